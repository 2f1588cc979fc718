"""Running a stage, as dvc.yaml does."""

import importlib
import os
import sys
from typing import Annotated, Any

import typer
from typer import BadParameter

from charter.cli.context import evaluated, open_project
from charter.cli.registry import publish_states
from charter.generation.budget import BudgetSpentError
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.storage import write_json

CORPUS_STAGES = ("extract", "rules", "synthesize", "validators", "cft", "sft", "dpo", "rag-index", "evaluate")
SHARED_STAGES = ("base-models", "judges", "fetch-documents", "fetch-prompts", "demonstrations", "report")


def stage(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(SHARED_STAGES + CORPUS_STAGES)}.")],
    corpus: Annotated[str | None, typer.Argument(help="The corpus, for a stage that is of one.")] = None,
) -> None:
    """Run one stage, as dvc.yaml does. Use `dvc repro` to run what is needed, in order."""
    if name not in SHARED_STAGES + CORPUS_STAGES:
        raise BadParameter(f"no stage {name!r}; there are {', '.join(SHARED_STAGES + CORPUS_STAGES)}")
    if (name in CORPUS_STAGES) != (corpus is not None):
        raise BadParameter(f"stage {name} takes {'a corpus' if name in CORPUS_STAGES else 'no corpus'}")
    params, paths = open_project(*[corpus] if corpus else [])
    # A bar of weights that are loaded says nothing; one of a download does, at a terminal.
    if name not in ("base-models", "judges") or not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        metrics = _run(name, params, paths.corpus(corpus) if corpus else paths)
    except BudgetSpentError as error:
        raise CharterError(
            f"{error} It has {error.answered} answers; `charter estimate {corpus}` says what the whole takes."
        ) from error
    if corpus is None:
        if metrics:
            write_json(paths.shared_metrics(name), metrics)
        if name == "report":
            publish_states(params, paths, evaluated(params, paths))
        return
    # Of the processes that `accelerate launch` starts, the main one writes.
    if os.environ.get("RANK", "0") == "0":
        write_json(paths.corpus(corpus).metrics(name), metrics)
    if name == "evaluate":
        publish_states(params, paths, [corpus])


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
            f"stage {name}: the GPU's memory ran out. Lower its batch_size and raise gradient_accumulation "
            "as much, switch gradient_checkpointing on, or set compute.quantization to nf4"
            + (f"; {held}" if held else "")
        ) from error
