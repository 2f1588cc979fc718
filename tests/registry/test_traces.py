"""Traces: none unless they are switched on, and then what was asked, found and answered, and by whom."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Trace, TraceInfo
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from charter.generation.engine import CUT_OFF, Admission, Completion, Request, admit_all, ask
from charter.generation.journal import JournaledEngine
from charter.registry.traces import SWITCH, Exchange, Traces, open_traces
from rows import chunk_of

pytest_plugins = ["mlflow_store"]

CHAT = [{"role": "user", "content": "May I take gifts?"}]


class Counting:
    """An engine that answers with the number of the request; the second is cut off."""

    def complete(
        self, requests: Sequence[Request], admit: Admission = admit_all
    ) -> Iterator[tuple[int, Completion]]:
        for number, _ in enumerate(requests):
            problem = CUT_OFF if number == 1 else None
            yield number, Completion(text=str(number), tokens=7, prompt_tokens=5, problem=problem)


@pytest.fixture
def traces(project_root: Path, request: pytest.FixtureRequest) -> Traces:
    request.getfixturevalue("tracing")
    opened = open_traces(project_root, "udhr", "The declaration")
    assert opened is not None
    return opened


def written(client: MlflowClient, traces: Traces) -> list[Trace]:
    traces.flush()
    experiment = client.get_experiment_by_name("charter/udhr")
    assert experiment is not None
    return list(client.search_traces(locations=[experiment.experiment_id], order_by=["timestamp_ms ASC"]))


@pytest.mark.parametrize("value", [None, "", "0", "false", "off"])
def test_nothing_is_traced_unless_it_is_switched_on(
    project_root: Path, mlflow_client: MlflowClient, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    if value is not None:
        monkeypatch.setenv(SWITCH, value)
    assert open_traces(project_root, "udhr", "The declaration") is None
    assert mlflow_client.get_experiment_by_name("charter/udhr") is None


def test_what_is_switched_off_imports_nothing() -> None:
    script = (
        "import sys, pathlib; from charter.registry.traces import open_traces; "
        "assert open_traces(pathlib.Path(), 'udhr', '') is None; assert 'mlflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_a_trace_has_the_prompt_the_passages_the_answer_and_the_version(
    mlflow_client: MlflowClient, traces: Traces
) -> None:
    passage = chunk_of("Gifts need consent.", chunk_id="gifts", document="rules.pdf", headings=("Rules",))
    traces.add(
        Exchange(
            name="chat completion",
            model="charter-udhr",
            version="version-3-abc",
            began=1_800_000_000_000_000_000,
            chat=CHAT,
            answer="No.",
            passages=[passage],
            tokens=(20, 3),
        )
    )
    [trace] = written(mlflow_client, traces)
    assert trace.info.state == "OK"
    assert trace.info.request_time == 1_800_000_000_000
    assert {key: trace.info.tags[key] for key in ("model", "version")} == {
        "model": "charter-udhr",
        "version": "version-3-abc",
    }
    root, found = trace.data.spans
    assert (root.name, root.inputs, root.outputs) == ("chat completion", {"messages": CHAT}, "No.")
    assert found.parent_id == root.span_id
    [document] = found.outputs
    assert document["page_content"] == "Gifts need consent."
    assert document["metadata"] == {"document": "rules.pdf", "section": ["Rules"], "pages": []}
    assert trace.info.token_usage == {"input_tokens": 20, "output_tokens": 3, "total_tokens": 23}


def test_what_an_engine_is_asked_is_traced_from_the_journal_too(
    mlflow_client: MlflowClient, traces: Traces, tmp_path: Path
) -> None:
    requests = [ask(system="Be brief.", user=f"Question {number}", max_new_tokens=9) for number in range(2)]
    with JournaledEngine(tmp_path / "journal.sqlite", "f" * 64, Counting) as engine:
        traces.watch(engine, "teacher")
        first = engine.complete(requests, "answers")
        assert engine.complete(requests, "answers") == first
        assert [completion.text for completion in first] == ["0", "1"]
        assert engine.usage["answers"].asked == 2
    found = written(mlflow_client, traces)
    assert sorted(str(trace.info.state) for trace in found) == ["ERROR", "ERROR", "OK", "OK"]
    assert {trace.info.tags["version"] for trace in found} == {"f" * 64}
    spans = [trace.data.spans[0] for trace in found]
    assert {span.name for span in spans} == {"answers"}
    assert {span.inputs["messages"][1]["content"]: span.outputs for span in spans} == {
        "Question 0": "0",
        "Question 1": "1",
    }
    assert {span.attributes.get("problem") for span in spans} == {None, CUT_OFF}


def test_one_thread_writes_to_a_file_that_has_one_writer_at_a_time(
    mlflow_client: MlflowClient, traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow's ten threads lose traces: those that wait for the others too long."""
    start, writers = SqlAlchemyStore.start_trace, set()

    def note(*args: Any, **options: Any) -> TraceInfo:
        writers.add(threading.get_ident())
        return start(*args, **options)

    monkeypatch.setattr(SqlAlchemyStore, "start_trace", note)
    for number in range(20):
        traces.add(Exchange(name="n", model="m", version="v", began=1, chat=CHAT, answer=str(number)))
    found = written(mlflow_client, traces)
    assert {trace.data.spans[0].outputs for trace in found} == {str(number) for number in range(20)}
    assert len(writers) == 1


def test_a_trace_that_fails_is_said_and_fails_no_answer(
    traces: Traces, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(MlflowClient, "start_trace", fail)
    traces.add(Exchange(name="n", model="m", version="v", began=1, chat=CHAT, answer="No."))
    assert "a request has no trace: RuntimeError('no room')" in capsys.readouterr().err
