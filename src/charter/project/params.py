"""Typed, strict parameters: params.yaml holds every value, `charter.project.sections` what each may be.

There are no defaults here: a value that isn't in params.yaml doesn't exist, so DVC, which tracks that
file, sees all of them. A misspelt, missing or mistyped key fails at once and names its dotted path.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from ruamel.yaml.error import YAMLError

from charter.project import model_sections, sections, training_sections
from charter.project.errors import CharterError
from charter.project.gate import Gate
from charter.project.sections import CorpusName, NonNegativeInt, ParamsSection
from charter.project.yaml_text import parse_yaml

PARAMS_FILE = "params.yaml"

Checked = TypeVar("Checked")


class Params(ParamsSection):
    """The whole of params.yaml."""

    profile: str
    """The profile that is applied; `charter profile NAME` writes it."""
    seed: NonNegativeInt
    """Of everything that is drawn by chance."""
    corpora: dict[CorpusName, sections.Corpus]
    """What to align with, each by itself; `charter add NAME PATH...` adds one."""
    base_models: model_sections.BaseModels
    compute: sections.Compute
    teacher: model_sections.Teacher
    judges: Annotated[tuple[model_sections.NamedJudge, ...], Field(min_length=1)]
    """Who judges answers: the word ``teacher``, or other models, each with a name.

    What the first says stands in the table, and gates go by it unless they name another. It is a list, since
    of a mapping DVC wouldn't notice that another is the first.
    """
    budget: sections.Budget
    extract: sections.Extract
    synthesize: sections.Synthesize
    labelled: dict[CorpusName, str]
    """The file of a corpus's hand-labelled items, on which the validators of synthesis are measured.

    The quote of each must be in a chunk: a profile that limits extraction to some chunks leaves it empty.
    """
    demonstrations: sections.Demonstrations
    cft: training_sections.Training
    """The baseline: training on the document's raw text."""
    sft: training_sections.Sft
    dpo: training_sections.Dpo
    arms: dict[CorpusName, training_sections.Arm]
    """Further trainings, by name, that are compared with the main one: other seeds, and controls."""
    retrieval: sections.Retrieval
    evaluate: sections.Evaluate
    gates: tuple[Gate, ...]
    """What a candidate must reach before `charter promote CORPUS` makes it champion."""

    @property
    def judge_names(self) -> tuple[str, ...]:
        """The judges by name, the first one first."""
        return _names(self.judges)

    @field_validator("judges")
    @classmethod
    def _told_apart(
        cls, judges: tuple[model_sections.NamedJudge, ...]
    ) -> tuple[model_sections.NamedJudge, ...]:
        if len(set(_names(judges))) < len(judges):
            raise ValueError("two judges have one name")
        return judges

    @field_validator("gates")
    @classmethod
    def _of_judges(cls, gates: tuple[Gate, ...], info: ValidationInfo) -> tuple[Gate, ...]:
        named = {gate.judge for gate in gates if gate.judge}
        if unknown := sorted(named - set(_names(info.data["judges"])) if "judges" in info.data else ()):
            raise ValueError(f"{', '.join(unknown)} is not in judges")
        return gates

    @field_validator("labelled")
    @classmethod
    def _of_corpora(cls, labelled: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        _check_corpora(labelled, info)
        return labelled

    @field_validator("arms")
    @classmethod
    def _arms_of_corpora(
        cls, arms: dict[str, training_sections.Arm], info: ValidationInfo
    ) -> dict[str, training_sections.Arm]:
        _check_corpora([arm.corpus for arm in arms.values()], info)
        return arms


def _check_corpora(named: Iterable[str], info: ValidationInfo) -> None:
    if "corpora" in info.data and (unknown := sorted(set(named) - set(info.data["corpora"]))):
        raise ValueError(f"{', '.join(unknown)} is not in corpora")


def _names(judges: Iterable[model_sections.NamedJudge]) -> tuple[str, ...]:
    return tuple(judge if isinstance(judge, str) else judge.name for judge in judges)


_SAID = {
    "missing": "is missing",
    "extra_forbidden": "there is no such key",
    "bool_type": "should be true or false",
    **dict.fromkeys(("tuple_type", "list_type"), "should be a list"),
    **dict.fromkeys(("dict_type", "model_type"), "should be a mapping of keys to values"),
}
"""What is said of an error of pydantic's, by its type, where its own words are for programmers."""


def parse_params(values: Any, source: str) -> Params:
    """Check a tree of plain values, as `parse_as` does."""
    return parse_as(Params, values, source)


def load_params(path: Path) -> Params:
    """Read and check a params.yaml; errors are those of `read_yaml` and `parse_as`."""
    return parse_params(read_yaml(path), path.name)


def read_yaml(path: Path) -> Any:
    """Read a file of YAML 1.2, as DVC does.

    Raises:
        CharterError: The file is missing, or isn't YAML in UTF-8.
    """
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CharterError(f"{path}: no such file; run charter in the project's folder") from error
    except UnicodeDecodeError as error:
        raise CharterError(f"{path}: not UTF-8 ({error}); save it in that encoding") from error
    except YAMLError as error:
        raise CharterError(f"{path}: not YAML: {error}") from error


def parse_as(kind: type[Checked], values: Any, source: str) -> Checked:
    """Check a tree of plain values; ``source`` names it in errors.

    Raises:
        CharterError: One line a bad key: its dotted path, what is wrong and what stands there.
    """
    try:
        # As JSON, which, like YAML, has arrays where frozen sections have tuples, and no dates.
        return TypeAdapter(kind).validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        found = error.errors()
        raise CharterError(
            "\n".join(f"{source}: {_named(item)}" for item in found if _is_own(item, found))
        ) from error


def _is_own(item: Any, found: Sequence[Any]) -> bool:
    """Say whether an error isn't that a list is short of an item, which is in error itself."""
    inside = (other["loc"] for other in found if other is not item)
    return item["type"] != "too_short" or all(loc[: len(item["loc"])] != item["loc"] for loc in inside)


def _named(item: Any) -> str:
    # What is in brackets is pydantic's: that it is the key itself, or what a value was taken for.
    key = ".".join(str(part) for part in item["loc"] if not str(part).startswith("["))
    found = "" if item["type"] == "missing" else f" (found: {item['input']!r})"
    said = _SAID.get(item["type"], item["msg"].removeprefix("Value error, "))
    return f"{key or '(the whole file)'}: {said}{found}"
