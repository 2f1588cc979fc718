"""People's votes in MLflow: each answer that was shown is a trace, and the vote its assessment."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource, SpanType, TraceInfo

from charter.project.metric_names import system_label
from charter.project.vote_records import Vote
from charter.registry.store import open_store
from charter.registry.traces import trace_experiment

PREFERRED = "preferred"
"""The assessment: whether the voter found the answer, or another in its words, the best of those shown."""

VOTE, PLACE = "vote", "place"
"""The tags of a trace: the vote's id, and the answer's place among those that were shown, from 0."""


def send_votes(root: Path, corpus: str, title: str, votes: Sequence[Vote]) -> int:
    """Send what MLflow hasn't yet of the votes on a corpus; return how many answers are assessed anew.

    Where it was ended in between, the next call goes on.

    Raises:
        CharterError: The store can't be reached or refuses, or the corpus's experiment was deleted.
    """
    with open_store(root) as client:
        experiment = trace_experiment(client, root, corpus, title)
        known = {_shown(info) for info in _voted_on(client, experiment)}
        _write_traces(client, experiment, votes, known)
        of_id = {vote.id: vote for vote in votes}
        bare = [
            info
            for info in _voted_on(client, experiment)
            if info.tags[VOTE] in of_id and all(each.name != PREFERRED for each in info.assessments)
        ]
        for info in bare:
            _assess(info, of_id[info.tags[VOTE]])
        return len(bare)


def _write_traces(
    client: MlflowClient, experiment: str, votes: Iterable[Vote], known: set[tuple[str, int]]
) -> None:
    for vote in votes:
        cast = round(datetime.fromisoformat(vote.time).timestamp() * 1e9)
        for place, answer in enumerate(vote.answers):
            if (vote.id, place) in known:
                continue
            root = client.start_trace(
                "answer that people voted on",
                SpanType.CHAT_MODEL,
                inputs={"messages": [{"role": "user", "content": vote.question}]},
                tags={
                    VOTE: vote.id,
                    PLACE: str(place),
                    "system": system_label(answer.system, answer.rag),
                    "version": " ".join(answer.models),
                },
                experiment_id=experiment,
                start_time_ns=cast,
            )
            client.end_trace(root.trace_id, answer.text, end_time_ns=cast)
    # Traces are sent by MLflow's own threads; an assessment needs its trace in the store.
    mlflow.flush_trace_async_logging()


def _assess(info: TraceInfo, vote: Vote) -> None:
    _, place = _shown(info)
    best = None if vote.best is None else vote.answers[vote.best].text
    others = [
        system_label(answer.system, answer.rag)
        for number, answer in enumerate(vote.answers)
        if number != place
    ]
    mlflow.log_feedback(
        trace_id=info.trace_id,
        name=PREFERRED,
        value=vote.answers[place].text == best,
        source=AssessmentSource(source_type="HUMAN", source_id=vote.voter),
        rationale="None of the answers was better than the others." if vote.best is None else None,
        metadata={"against": ", ".join(others), "blind": str(vote.blind).lower()},
    )


def _voted_on(client: MlflowClient, experiment: str) -> Iterator[TraceInfo]:
    """Give all traces of answers that were voted on."""
    token: str | None = None
    while True:
        page = client.search_traces(
            locations=[experiment],
            filter_string=f"tags.{VOTE} LIKE '%'",
            max_results=500,
            page_token=token,
            include_spans=False,
        )
        yield from (trace.info for trace in page)
        token = page.token
        if not token:
            return


def _shown(info: TraceInfo) -> tuple[str, int]:
    return info.tags[VOTE], int(info.tags[PLACE])
