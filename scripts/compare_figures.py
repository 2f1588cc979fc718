"""Compare the committed figures of two git revisions: `python scripts/compare_figures.py BASE [REVISION]`.

`dvc metrics diff BASE REVISION` lists hundreds of them. Here are those that the gates judge, of both aligned
models and of every corpus, as Markdown. Only git is read: no file of the working tree counts and no stage is
run.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from charter.evaluation.results import ALIGNED, Estimate
from charter.project.metric_names import system_label
from charter.project.params import PARAMS_FILE
from charter.project.paths import ProjectPaths
from charter.report.formatting import METRIC_NAMES, MISSING, bracketed, system_name

EXAMS = ("sft_test", "preference_test", "exam")
"""In the lineage of an evaluation: what was asked."""

HEAD = "| corpus | system | metric | {} | {} |\n|---|---|---|---|---|\n"
CAUTION = (
    "Brackets hold the 95 % interval of each state by itself. Where two of them overlap, chance may have "
    "made the difference.\n"
)
SAME = (
    "No figure that the gates judge differs: nothing was measured anew. `dvc repro` measures; commit what it "
    "writes.\n"
)


def compare(root: Path, base: str, revision: str) -> str:
    """Return the comparison as Markdown.

    Raises:
        SystemExit: There is no such revision, or it has no params.yaml.
    """
    names = [_short_name(root, name) for name in (base, revision)]
    params = yaml.safe_load(
        _read(root, revision, PARAMS_FILE) or sys.exit(f"{revision} has no {PARAMS_FILE}")
    )
    rows, others = [], []
    for corpus in params["corpora"]:
        path = ProjectPaths(Path()).corpus(corpus).metrics("evaluate").as_posix()
        before, after = (json.loads(_read(root, name, path) or "{}") for name in (base, revision))
        rows += [f"| {corpus} | {row} |\n" for row in _rows(params["gates"], before, after)]
        if before and after and _asked(before) != _asked(after):
            others.append(corpus)
    text = f"### What the gates judge: {names[0]} and {names[1]}\n\n"
    if not rows:
        return text + SAME
    text += HEAD.format(*names) + "".join(rows) + "\n" + CAUTION
    if others:
        text += f"\nThe test questions of {' and '.join(others)} aren't the same in both.\n"
    return text


def _rows(gates: list[dict[str, Any]], before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Give the cells of each figure that differs, in the order of the gates."""
    for metric, rag in dict.fromkeys((gate["metric"], gate.get("rag", False)) for gate in gates):
        for system in ALIGNED:
            label = system_label(system, rag)
            found = [state.get("systems", {}).get(label, {}).get(metric) for state in (before, after)]
            if found[0] != found[1]:
                cells = [system_name(label), METRIC_NAMES.get(metric, metric)]
                cells += [bracketed(metric, Estimate(**item)) if item else MISSING for item in found]
                yield " | ".join(cells)


def _asked(evaluation: dict[str, Any]) -> list[str | None]:
    return [evaluation["lineage"].get(name) for name in EXAMS]


def _short_name(root: Path, revision: str) -> str:
    done = _git(root, "rev-parse", "--verify", "--quiet", "--short", f"{revision}^{{commit}}")
    return done.stdout.strip() or sys.exit(f"no git revision {revision!r} in {root}")


def _read(root: Path, revision: str, path: str) -> str:
    """Return a file as it was committed, nothing where it wasn't there."""
    return _git(root, "show", f"{revision}:./{path}").stdout


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)  # noqa: S603, S607


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base", help="what to compare with, such as main")
    parser.add_argument("revision", nargs="?", default="HEAD", help="what to compare; HEAD")
    arguments = parser.parse_args()
    sys.stdout.write(compare(Path.cwd(), arguments.base, arguments.revision))


if __name__ == "__main__":
    main()
