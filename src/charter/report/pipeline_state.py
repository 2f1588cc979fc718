"""The state of one corpus's pipeline as its files tell it: what MLflow mirrors and the registry records.

Only files are read, so a state that DVC restored from its cache is the same as one that was just computed.
"""

import json
import os
import subprocess
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charter.evaluation.results import ALIGNED, Evaluation, load_evaluation
from charter.project.errors import CharterError
from charter.project.params import PARAMS_FILE, Params, read_yaml
from charter.project.paths import CorpusPaths
from charter.project.records import System, content_id
from charter.project.score_records import ItemScore
from charter.project.storage import directory_sha256, file_sha256, read_json, read_rows

_UNEVALUATED_STAGES = ("validators",)
"""Stages that no evaluation rests on: DVC may run them after it, and a profile may have none."""

_STAGES_OF_ALL_CORPORA = ("base-models", "judges", "demonstrations")
"""Stages of no corpus that all of them rest on."""

_PARAMS_WITHOUT_EFFECT = ("gates", "corpora", "labelled", "budget", "arms")
"""Parameters that shape neither models nor their evaluation; a corpus's own entry of ``corpora`` is kept."""

_CODE = ("src", "dvc.yaml", "pyproject.toml")


@dataclass(frozen=True)
class PipelineState:
    """What one corpus's pipeline was run with and what it measured.

    ``params`` are the dotted parameters that shape the corpus's results (so neither gates and budget, nor
    labelled items, nor other corpora); ``stage_metrics`` maps stage to dotted metric to value.
    ``fingerprint`` identifies parameters and results: equal states have equal fingerprints wherever and
    whenever they were computed.
    """

    paths: CorpusPaths
    evaluation: Evaluation
    params: dict[str, str]
    stage_metrics: dict[str, dict[str, float]]
    fingerprint: str

    @property
    def corpus(self) -> str:
        """The name of the corpus."""
        return self.paths.name


def read_state(root: Path, params: Params, corpus: str) -> PipelineState:
    """Read the state of a corpus, and check that its files belong together.

    Raises:
        CharterError: The corpus is unknown or not evaluated, a file is broken, params.yaml has changed
            since a stage ran that the evaluation rests on, or an adapter is not the one that was evaluated.
    """
    if corpus not in params.corpora:
        raise CharterError(f"corpora.{corpus}: no such corpus; there are {', '.join(params.corpora)}")
    paths = CorpusPaths(root, corpus)
    evaluation = load_evaluation(paths.metrics("evaluate"))
    outdated = outdated_stages(root, params, corpus)
    for stage, key in outdated.items():
        if stage not in _UNEVALUATED_STAGES:
            raise CharterError(
                f"{PARAMS_FILE}: {key} has changed since {stage} ran, so the results of {corpus} are "
                "not of these parameters; run `dvc repro` first"
            )
    for system in ALIGNED:
        adapter, evaluated = paths.adapter(system), evaluation.lineage.get(f"{system}_adapter")
        if adapter.exists() and directory_sha256(adapter) != evaluated:
            raise CharterError(f"{adapter}: not the adapter that evaluate measured; run `dvc repro` first")

    given = params.model_dump(mode="json", exclude_unset=True)
    concerning = {key: value for key, value in given.items() if key not in _PARAMS_WITHOUT_EFFECT}
    concerning["corpus"] = given["corpora"][corpus]
    flat = {key: value if isinstance(value, str) else json.dumps(value) for key, value in flatten(concerning)}
    return PipelineState(
        paths=paths,
        evaluation=evaluation,
        params=flat,
        stage_metrics=_stage_metrics(paths, outdated),
        fingerprint=content_id(evaluation.model_dump_json(), json.dumps(flat, sort_keys=True)),
    )


def own_scores(state: PipelineState, system: System) -> list[ItemScore] | None:
    """Read what a system scored item by item; None where the evaluation is older than such scores.

    Raises:
        CharterError: The file is missing, or isn't the one that was written with the evaluation.
    """
    path, recorded = state.paths.item_scores, state.evaluation.item_scores
    if recorded is None:
        return None
    rows = read_rows(path, ItemScore)
    if file_sha256(path) != recorded:
        raise CharterError(f"{path}: not the scores that evaluate wrote last; run `dvc repro` first")
    return [row for row in rows if row.system == system]


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a tree of mappings as (dotted key, value)."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def git_revision(root: Path) -> tuple[str, bool]:
    """Return the commit that ``root`` is at, and whether its code has been changed since.

    What stages write (metrics, dvc.lock) and params.yaml, which is recorded by itself, don't count as
    changes of the code. Outside a git repository the commit is ``unknown``.
    """
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return commit, bool(_git(root, "status", "--porcelain", "--", *_CODE))
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "unknown", False


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


def outdated_stages(root: Path, params: Params, corpus: str) -> dict[str, str]:
    """Map each stage that the corpus rests on, and that DVC ran with another value of a parameter, to it."""
    given = params.model_dump(mode="json", exclude_unset=True)
    outdated = {}
    for stage, entry in recorded_stages(root).items():
        # dvc.lock has a stage only after it ended: the one that is running is still to be recorded.
        name, _, of_corpus = stage.partition("@")
        concerns = of_corpus == corpus or name in _STAGES_OF_ALL_CORPORA
        if not concerns or stage == os.environ.get("DVC_STAGE"):
            continue
        for key, value in entry.get("params", {}).get(PARAMS_FILE, {}).items():
            if _look_up(given, key) != value:
                outdated[name] = key
    return outdated


def recorded_stages(root: Path) -> dict[str, Any]:
    """Return what dvc.lock recorded of each stage that DVC ran, by its name such as ``sft@udhr``."""
    lock = root / "dvc.lock"
    return dict(read_yaml(lock)["stages"]) if lock.exists() else {}


def _look_up(tree: Any, dotted: str) -> Any:
    for key in dotted.split("."):
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _stage_metrics(paths: CorpusPaths, outdated: Container[str]) -> dict[str, dict[str, float]]:
    """Read the numbers in the metrics files of all stages but evaluate, which has a type of its own."""
    evaluate = paths.metrics("evaluate")
    return {
        path.stem: {
            key: float(value) for key, value in flatten(read_json(path)) if isinstance(value, int | float)
        }
        for path in sorted(evaluate.parent.glob("*.json"))
        if path != evaluate and path.stem not in outdated
    }
