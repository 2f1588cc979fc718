"""An evaluation small enough for a test."""

from charter.project.params import Params

TOPICS = ("gifts", "travel", "passwords", "overtime", "parking", "hiring", "scrap", "meals", "keys", "visits")
"""What the chunks, the exam and the prompts are about."""


def make_params(params: Params, safety_prompts: int, everyday_facts: int = 0) -> Params:
    """The default parameters, small, with a teacher that torch runs."""
    quick = {"max_new_tokens": 4, "bootstrap_samples": 50, "judge_items": 2, "everyday_facts": everyday_facts}
    return params.model_copy(
        update={
            "compute": params.compute.model_copy(update={"dtype": "float32", "device": "cpu"}),
            "teacher": params.teacher.model_copy(update={"engine": "transformers", "concurrency": 8}),
            "evaluate": params.evaluate.model_copy(update=quick | {"safety_prompts": safety_prompts}),
        }
    )
