"""Judges in params.yaml that tests are made of."""

import json
from typing import Any

from charter.project.model_sections import Judge
from charter.project.params import Params


def judge_of(name: str, **changed: Any) -> Judge:
    """A judge of the hub that torch runs."""
    values = {
        "name": name,
        "model": {"hub": f"acme/{name}@1"},
        "engine": "transformers",
        "base_url": None,
        "key_variable": None,
        "concurrency": 1,
        "cache_gigabytes": 1,
        "thinking_tokens": 0,
        "verdict_samples": 1,
    }
    return Judge.model_validate_json(json.dumps(values | changed))


def served_judge(name: str, base_url: str, **changed: Any) -> Judge:
    """A judge that a server offers under its own name."""
    return judge_of(name, model={"served": name}, engine="openai", base_url=base_url, **changed)


def with_judges(params: Params, *judges: Judge | str, **evaluate: Any) -> Params:
    """Parameters with these judges, and a teacher that torch runs."""
    return params.model_copy(
        update={
            "judges": judges,
            "evaluate": params.evaluate.model_copy(update=evaluate),
            "teacher": params.teacher.model_copy(update={"engine": "transformers"}),
        }
    )
