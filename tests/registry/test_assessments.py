"""Votes in MLflow: an assessed trace for each answer, once, and going on where it was ended."""

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Trace

from charter.project.vote_records import Vote
from charter.registry import assessments
from charter.registry.assessments import PREFERRED, send_votes
from charter.registry.traces import Exchange, open_traces
from vote_rows import vote_of

pytest_plugins = ["mlflow_store"]
pytestmark = pytest.mark.usefixtures("tracing")

TEXTS = {"seed": "Take it.", "dpo+rag": "Ask first."}


def send(root: Path, votes: list[Vote]) -> int:
    return send_votes(root, "udhr", "The declaration", votes)


def answers(client: MlflowClient) -> dict[tuple[str, str], Trace]:
    """The traces, by question and system."""
    experiment = client.get_experiment_by_name("charter/udhr")
    assert experiment is not None
    found = list(client.search_traces(locations=[experiment.experiment_id]))
    by_answer = {
        (trace.data.spans[0].inputs["messages"][0]["content"], trace.info.tags["system"]): trace
        for trace in found
    }
    assert len(by_answer) == len(found)
    return by_answer


def preferred(client: MlflowClient) -> dict[tuple[str, str], bool]:
    given = {}
    for key, trace in answers(client).items():
        [assessment] = trace.info.assessments
        assert assessment.name == PREFERRED
        given[key] = assessment.value
    return given


def test_each_answer_has_what_its_voter_found(project_root: Path, mlflow_client: MlflowClient) -> None:
    votes = [vote_of("May I?", TEXTS, best=1), vote_of("Even?", TEXTS, best=None, voter="Bob", blind=False)]
    assert send(project_root, votes) == 4
    assert preferred(mlflow_client) == {
        ("May I?", "seed"): False,
        ("May I?", "dpo+rag"): True,
        ("Even?", "seed"): False,
        ("Even?", "dpo+rag"): False,
    }
    trace = answers(mlflow_client)["May I?", "dpo+rag"]
    [assessment] = trace.info.assessments
    assert trace.data.spans[0].outputs == "Ask first."
    assert trace.info.request_time == 1_795_838_400_000
    assert trace.info.tags["version"] == "0" * 64
    assert (assessment.source.source_type, assessment.source.source_id) == ("HUMAN", "Ada")
    assert assessment.rationale is None
    assert assessment.metadata["against"] == "seed"
    assert assessment.metadata["blind"] == "true"
    [tie] = answers(mlflow_client)["Even?", "seed"].info.assessments
    assert (tie.source.source_id, tie.metadata["blind"]) == ("Bob", "false")
    assert "None" in tie.rationale


def test_an_answer_in_the_words_of_the_best_is_as_good(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    send(project_root, [vote_of("May I?", {"sft": "Ask.", "dpo": "Ask.", "seed": "Hm."}, best=0)])
    assert preferred(mlflow_client) == {
        ("May I?", "sft"): True,
        ("May I?", "dpo"): True,
        ("May I?", "seed"): False,
    }


def test_traces_of_others_are_left_alone(project_root: Path, mlflow_client: MlflowClient) -> None:
    traces = open_traces(project_root, "udhr", "The declaration")
    assert traces is not None
    traces.add(Exchange("chat completion", "m", "v", began=1, chat=[], answer="No."))
    traces.flush()
    assert send(project_root, [vote_of("May I?", TEXTS, best=1)]) == 2
    experiment = mlflow_client.get_experiment_by_name("charter/udhr")
    assert experiment is not None
    found = mlflow_client.search_traces(locations=[experiment.experiment_id])
    assert sorted(len(trace.info.assessments) for trace in found) == [0, 1, 1]


def test_what_is_there_already_is_not_sent_again(project_root: Path, mlflow_client: MlflowClient) -> None:
    votes = [vote_of("May I?", TEXTS, best=1)]
    assert send(project_root, votes) == 2
    votes.append(vote_of("Even?", TEXTS, best=0))
    assert send(project_root, votes) == 2
    assert send(project_root, votes) == 0
    assert len(preferred(mlflow_client)) == 4


def test_where_it_was_ended_the_next_call_goes_on(
    project_root: Path, mlflow_client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    votes = [vote_of("May I?", TEXTS, best=1)]
    with monkeypatch.context() as patched:
        patched.setattr(assessments, "_assess", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            send(project_root, votes)
    assert [trace.info.assessments for trace in answers(mlflow_client).values()] == [[], []]
    assert send(project_root, votes) == 2
    assert len(preferred(mlflow_client)) == 2
