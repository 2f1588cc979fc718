"""The whole pipeline on the real embedded models, in a clean clone, as a new user runs it."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from charter.evaluation.asking import JUDGED
from charter.project.metric_names import (
    CUT_METRICS,
    LOCAL,
    METRICS,
    RETENTION_METRICS,
    SAFETY_METRICS,
    SYSTEMS,
)
from charter.project.params import PARAMS_FILE
from clones import Run, clone
from params_text import set_value

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.e2e

CORPORA = ("udhr", "library")
EXAMINED = "udhr"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A clone in which the smoke profile has run on a corpus of the repository and on one that a user adds.

    The repository's other corpus is taken out of params.yaml, as a user does who has no need of it.
    """
    folder = tmp_path_factory.mktemp("clones") / "charter"
    run = clone(ROOT, folder)
    rules = tmp_path_factory.mktemp("documents") / "library.md"
    rules.write_text(LIBRARY, encoding="utf-8")
    run("charter", "add", "library", str(rules), "--title", "Rules of the Town Library")
    params = folder / PARAMS_FILE
    corpora = yaml.safe_load(params.read_text())["corpora"]
    kept = {name: corpora[name] for name in CORPORA}
    params.write_text(set_value(params.read_text(), ("corpora",), kept))
    run("charter", "profile", "smoke")
    run("dvc", "repro")
    return folder, run


def changed_stages(run: Run) -> set[str]:
    status: dict[str, Any] = json.loads(run("dvc", "status", "--json"))
    return set(status)


def test_results_are_whole(project: tuple[Path, Run]) -> None:
    folder, run = project
    rows = json.loads(run("charter", "results", "--json"))
    assert all(set(row) == {"corpus", "system", "rag", "metric", "value", "low", "high", "n"} for row in rows)
    found = {(row["corpus"], row["system"], row["rag"], row["metric"]) for row in rows}
    assert {row["corpus"] for row in rows} == set(CORPORA)
    for corpus in CORPORA:
        for system, rag in SYSTEMS:
            for metric in (*METRICS, *CUT_METRICS.values(), "judge_validity"):
                judged = (system, rag) in JUDGED or metric not in ("win_rate", "judge_validity")
                assert ((corpus, system, rag, metric) in found) == judged
            examined = corpus == EXAMINED
            assert ((corpus, system, rag, "hit@k") in found) == (rag is True)
            assert ((corpus, system, rag, "exam_hit@k") in found) == (examined and rag is True)
            for metric in (*SAFETY_METRICS, *RETENTION_METRICS):
                probed = system in LOCAL and not rag and (system, metric) != ("seed", "perplexity_ratio")
                assert ((corpus, system, rag, metric) in found) == probed
            advises = examined and system in LOCAL and rag != "gold"
            assert ((corpus, system, rag, "right_answers") in found) == examined
            assert ((corpus, system, rag, "dilemmas") in found) == advises
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows if row["low"] is not None)
    report = (folder / "reports/index.html").read_text(encoding="utf-8")
    assert "Universal Declaration of Human Rights" in report
    assert "Rules of the Town Library" in report
    assert "Business Conduct Guidelines" not in report


def test_second_run_does_nothing(project: tuple[Path, Run]) -> None:
    _, run = project
    output = run("dvc", "repro")
    assert "Running stage" not in output
    assert changed_stages(run) == set()


def test_beta_concerns_dpo_and_what_follows(project: tuple[Path, Run]) -> None:
    folder, run = project
    params = folder / "params.yaml"
    committed = params.read_text()
    values = yaml.safe_load(committed)
    values["dpo"]["beta"] = 0.31
    params.write_text(yaml.safe_dump(values, sort_keys=False))
    # A dry run changes no output, so what follows has to be asked for.
    plan = run("dvc", "repro", "--dry", "--force-downstream")
    ran = {line.split("'")[1] for line in plan.splitlines() if line.startswith("Running stage")}
    assert ran == {"dpo@udhr", "dpo@library", "evaluate@udhr", "evaluate@library", "report"}
    params.write_text(committed)
    assert changed_stages(run) == set()


def test_mlflow_mirrors_the_state_once_and_gates_promotion(project: tuple[Path, Run]) -> None:
    folder, run = project
    again = run("charter", "publish")
    assert again == ""
    script = (
        "from mlflow import MlflowClient; import json, os;"
        "client = MlflowClient('sqlite:///' + os.path.abspath('mlflow.db'));"
        "runs = {e.name: len(client.search_runs([e.experiment_id])) for e in client.search_experiments()};"
        "models = {m.name: m.aliases for m in client.search_registered_models()};"
        "print(json.dumps([runs, models]))"
    )
    runs, models = json.loads(run(sys.executable, "-c", script))
    assert runs["charter/udhr"] == runs["charter/library"] == 1 + len(SYSTEMS)
    assert int(models["charter-udhr"]["candidate"]) == 1
    assert set(models) == {"charter-udhr", "charter-udhr.sft", "charter-library", "charter-library.sft"}
    # Whether a few chunks teach enough to pass the real gates is left to chance.
    params = folder / PARAMS_FILE
    committed = params.read_text()
    set_minimum(params, 101)
    refusal = run("charter", "promote", "udhr", fails=True)
    assert "FAIL bleu of dpo" in refusal
    assert "is not promoted" in refusal
    assert "charter-udhr has no champion" in run("charter", "rollback", "udhr", fails=True)
    set_minimum(params, 0)
    promotion = run("charter", "promote", "udhr")
    assert "pass bleu of dpo" in promotion
    assert "charter-udhr version 1 is champion" in promotion
    assert "is the first champion" in run("charter", "rollback", "udhr", fails=True)
    # The report shows the gates: left as they are now, they would run it again.
    params.write_text(committed)


def set_minimum(params: Path, bleu: float) -> None:
    """Leave one gate, on the BLEU of the aligned model itself."""
    gate = {"metric": "bleu", "against": "none", "minimum": bleu}
    params.write_text(set_value(params.read_text(), ("gates",), [gate]))


def test_pushed_state_is_pulled_and_reruns_nothing(project: tuple[Path, Run], tmp_path: Path) -> None:
    folder, run = project
    run("dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    run("dvc", "push")
    run("git", "add", "--all")
    run("git", "commit", "--quiet", "--message", "smoke")
    run_elsewhere = clone(folder, tmp_path / "elsewhere")
    run_elsewhere("dvc", "pull")
    assert "Running stage" not in run_elsewhere("dvc", "repro")
    run_elsewhere("charter", "publish")
    assert json.loads(run_elsewhere("charter", "results", "--json")) == json.loads(
        run("charter", "results", "--json")
    )
    shutil.rmtree(tmp_path / "store")


LIBRARY = """# Rules of the Town Library

## Borrowing

Every resident above the age of 12 may borrow up to eight books at a time, for 21 days. A book may be renewed
twice, unless another reader has reserved it. Newspapers and atlases must not leave the reading room.

## Late returns

A reader who returns a book late pays 20 cents a day, and at most 6 euros for one book. The head librarian may
waive the fee for readers who were ill. Whoever owes more than 15 euros may not borrow until the debt is paid.

## Damage

Readers must report damage within three days. Whoever loses a book replaces it, or pays its price and 4 euros
for the work. Writing in books is forbidden, in pencil too.

## Quiet and company

Phones must be silent everywhere, and calls are allowed in the hall only. Children under the age of 8 must be
accompanied by an adult. Dogs are forbidden, except guide dogs.

## Privacy

The library keeps no record of what a reader has borrowed once the book is back. Staff must never tell anyone,
the police included, what a reader reads, unless a court orders it.

## Rooms

Clubs may use the meeting room free of charge for two hours a week, if the meeting is open to all. The head
librarian decides on requests within five working days. Parties may not hold election meetings there.
"""
