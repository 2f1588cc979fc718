"""Running a stage, as dvc.yaml does."""

import importlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import BadParameter

from charter.cli.context import evaluated, open_project
from charter.cli.registry import publish_states
from charter.generation.budget import BudgetSpentError
from charter.project.errors import CharterError
from charter.project.params import PARAMS_FILE, Params
from charter.project.paths import ProjectPaths
from charter.project.storage import write_json
from charter.project.training_sections import Optimization

CORPUS_STAGES = ("extract", "rules", "synthesize", "validators", "cft", "rag-index", "sft", "dpo", "evaluate")
ARM_STAGES = ("arm",)
SHARED_STAGES = ("base-models", "judges", "fetch-documents", "fetch-prompts", "demonstrations", "report")
STAGES = SHARED_STAGES + CORPUS_STAGES + ARM_STAGES


def stage(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(STAGES)}.")],
    of: Annotated[
        str | None,
        typer.Argument(metavar="[CORPUS]", help="The corpus, for a stage that is of one; the arm."),
    ] = None,
) -> None:
    """Run one stage, as dvc.yaml does. Use `dvc repro` to run what is needed, in order."""
    if name not in STAGES:
        raise BadParameter(f"no stage {name!r}; there are {', '.join(STAGES)}")
    if of is not None and name in SHARED_STAGES:
        raise BadParameter(f"stage {name} takes no corpus")
    if of is None and name not in SHARED_STAGES:
        raise BadParameter(f"stage {name} takes {'an arm' if name in ARM_STAGES else 'a corpus'}")
    params, paths = open_project(*[of] if of and name in CORPUS_STAGES else [])
    # A bar of weights that are loaded says nothing; one of a download does, at a terminal.
    if name not in ("base-models", "judges") or not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    own, figures = _places(name, of, params, paths)
    try:
        metrics = _run(name, params, own)
    except BudgetSpentError as error:
        raise CharterError(
            f"{error} It has {error.answered} answers; `charter estimate {of}` says what the whole takes."
        ) from error
    # Of the processes that `accelerate launch` starts, the main one writes.
    if (metrics or of) and os.environ.get("RANK", "0") == "0":
        write_json(figures, metrics)
    if name == "report":
        publish_states(params, paths, evaluated(params, paths))
    elif name == "evaluate" and of:
        publish_states(params, paths, [of])


def _places(name: str, of: str | None, params: Params, paths: ProjectPaths) -> tuple[ProjectPaths, Path]:
    """Return the paths that a stage works with, and where its metrics go."""
    if of is None:
        return paths, paths.shared_metrics(name)
    if name in CORPUS_STAGES:
        return paths.corpus(of), paths.corpus(of).metrics(name)
    if of not in params.arms:
        known = ", ".join(params.arms) or "none"
        raise CharterError(f"no arm {of!r} in {PARAMS_FILE}; there are {known}")
    arm = paths.arm(of, params.arms[of].corpus, params.arms[of].stages)
    return arm, arm.figures


def _run(name: str, params: Params, paths: ProjectPaths) -> Any:
    """Run a stage's module, and return its metrics; of a GPU without memory left it is one message."""
    module = importlib.import_module(f"charter.stages.{name.replace('-', '_')}")
    try:
        return module.run(params, paths)
    except RuntimeError as error:
        import torch

        from charter.project.devices import held_by_others, resolve_device

        if not isinstance(error, torch.OutOfMemoryError):
            raise
        held = held_by_others(resolve_device(params.compute))
        raise CharterError(
            f"stage {name}: the GPU's memory ran out. {_to_spare_memory(name, params)}"
            + (f"; {held}" if held else "")
        ) from error


def _to_spare_memory(name: str, params: Params) -> str:
    """Say which parameters let a stage do with less of a GPU's memory."""
    quantize = "set compute.quantization to nf4"
    if name == "evaluate":
        return f"Lower evaluate.batch_size, or {quantize}"
    section = getattr(params, name, None)
    if isinstance(section, Optimization) or name == "arm":
        return (
            "Lower its batch_size and raise gradient_accumulation as much, switch gradient_checkpointing on, "
            f"or {quantize}"
        )
    return "Take smaller base_models, or have the teacher served elsewhere (docs/gpus-and-clusters.md)"
