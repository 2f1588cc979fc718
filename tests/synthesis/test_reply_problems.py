"""What a served teacher doesn't answer is in the ledger under its reason, and is no row."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openai import _base_client

import scripted_teacher
from charter.generation.capabilities import Capabilities
from charter.generation.journal import JournaledEngine
from charter.generation.openai_engine import OpenAIEngine
from charter.generation.server import ModelServer
from charter.project.params import load_params
from charter.retrieval.encoder import Encoder
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.rules_method import RulesMethod
from charter.synthesis.verdict_filters import StatesValue
from charter.synthesis.writing import write_data
from local_server import serving
from played_server import Behaviour, Fault, PlayedServer
from synthesis_contexts import make_context
from synthetic_project import ROOT

pytestmark = pytest.mark.models

SPECIAL: dict[str, Fault | dict[str, Any]] = {
    "beehives": {"message": {"content": None, "refusal": "I can't help with that."}},
    "locomotives": {"finish_reason": "content_filter"},
    "lanterns": {"message": {"content": ""}},
    "violins": {"finish_reason": "length"},
    "glaciers": {"message": {"content": "<think>Let me see. Of glaciers"}},
}
REASONS = ("refused", "stopped by a content filter", "empty", "cut off", "thought without end")


def reply(body: dict[str, Any]) -> str:
    """Answer as the scripted teacher does; a verdict in its likelier word."""
    asked = body["messages"][-1]["content"]
    words = ("True", "False") if "True or False" in asked else ("Yes", "No")
    if f"{words[0]} or {words[1]}" in asked:
        return words["nobody has to care" in asked]
    return str(scripted_teacher.reply(body)["message"]["content"])


@pytest.fixture
def server() -> Iterator[PlayedServer]:
    with serving(PlayedServer(Behaviour(reply=reply, special=SPECIAL))) as running:
        yield running


@pytest.mark.parametrize("logprobs", [True, False])
def test_a_reply_that_is_none_is_refused_by_its_reason(
    server: PlayedServer,
    encoder: Encoder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    logprobs: bool,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(_base_client, "INITIAL_RETRY_DELAY", 0.02)
    params = load_params(ROOT / "params.yaml")
    found = Capabilities(logprobs=logprobs)
    engine = OpenAIEngine(ModelServer(server.url, "played"), concurrency=4, capabilities=found)
    with JournaledEngine(tmp_path / "journal.sqlite", "played", lambda: engine) as teacher:
        context = make_context(*scripted_teacher.CHUNKS, teacher=teacher, encoder=encoder)
        rules, _ = RulesMethod.list_rules(context)
        data, _ = write_data(replace(context, rules=rules), RulesMethod(params.synthesize))
        asked = Ledger("preference")
        StatesValue()([Draft(chunk) for chunk in scripted_teacher.CHUNKS], context, asked)
    well = scripted_teacher.CHUNKS[-1].id
    rows = [row for split in data.instruct.values() for row in split]
    assert rows
    assert {row.chunk_id for row in rows} == {well}
    assert {row.chunk_id for pairs in data.preference.values() for row in pairs} <= {well}
    replies = [row for row in data.rejected if row.filter == "reply"]
    assert well not in {row.chunk_id for row in replies}
    for chunk, reason in zip(scripted_teacher.CHUNKS, REASONS, strict=False):
        assert {row.reason for row in replies if row.chunk_id == chunk.id} == {reason}
    # A value check without an answer says nothing of the chunk. Of log-probs one token is enough.
    values = Counter(row.reason for row in asked.rejected)
    assert values == {"no verdict": 4 if logprobs else 5}
