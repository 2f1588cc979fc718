"""What a server can do is found out, and then asked for: over HTTP, each behaviour alone and together."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from charter.generation.capabilities import Capabilities, probe
from charter.generation.engine import ask_choice
from charter.generation.openai_engine import OpenAIEngine
from charter.generation.server import ModelServer
from charter.project.errors import CharterError
from charter.project.paths import ProjectPaths
from played_server import CHOICE, LONG, QUESTION, THINKING, Behaviour, Fault, Played, answer
from transformers_server import serve

ALL = Capabilities(json_schema=True)


def without(**changes: Any) -> Capabilities:
    return ALL.model_copy(update=changes)


O_SERIES = Behaviour(
    refuses=("max_tokens", "temperature", "system", "logprobs"),
    thinks="hidden",
    usage={
        "prompt_tokens": 9,
        "completion_tokens": 80,
        "completion_tokens_details": {"reasoning_tokens": 64},
    },
)
PROSE = Behaviour(
    ignores=("logprobs", "response_format", "seed", "temperature"),
    obeys_system=False,
    reply=lambda _: "By the passage this is allowed, so the answer is **Yes**.",
)
MATRIX = {
    "everything": (Behaviour(), ALL),
    "no log-probs": (Behaviour(logprobs=False), without(logprobs=False)),
    "log-probs refused": (Behaviour(refuses=("logprobs",)), without(logprobs=False)),
    "no seed": (Behaviour(refuses=("seed",)), without(seed=False)),
    "max_completion_tokens": (
        Behaviour(refuses=("max_tokens",)),
        without(token_limit="max_completion_tokens"),
    ),
    "no temperature": (Behaviour(refuses=("temperature",)), without(temperature=False)),
    "no system role": (Behaviour(refuses=("system",)), without(system_role=False)),
    "a system turn that is passed over": (Behaviour(obeys_system=False), without(system_role=False)),
    "no schema": (Behaviour(refuses=("response_format",)), without(json_schema=False)),
    "a schema that is passed over": (Behaviour(ignores=("response_format",)), without(json_schema=False)),
    **{
        f"thinks: {where}": (Behaviour(thinks=where), without(thinks=True))
        for where in ("tags", "opened", "hidden", "reasoning", "reasoning_content")
    },
    "thinks, no log-probs": (
        Behaviour(thinks="reasoning_content", logprobs=False),
        without(thinks=True, logprobs=False),
    ),
    "o-series": (
        O_SERIES,
        Capabilities(
            logprobs=False,
            token_limit="max_completion_tokens",
            temperature=False,
            system_role=False,
            json_schema=True,
            thinks=True,
        ),
    ),
    "prose alone": (PROSE, without(logprobs=False, system_role=False, json_schema=False)),
    "a verdict that begins with a mark": (
        Behaviour(reply=lambda body: answer(body).replace("Yes", "**Yes**")),
        without(logprobs=False),
    ),
    "usage null": (Behaviour(usage=None), ALL),
    "busy, broken, then well": (
        Behaviour(faults=[Fault(429, headers={"Retry-After": "1"}), Fault(500)]),
        ALL,
    ),
    "slow": (Behaviour(pause=0.2), ALL),
}


@pytest.mark.parametrize(("behaviour", "expected"), MATRIX.values(), ids=MATRIX)
def test_what_a_server_can_do_is_found_and_used(
    played: Played, behaviour: Behaviour, expected: Capabilities
) -> None:
    """The probe says what it is; then an answer and a verdict come, and nothing is sent that is refused."""
    server, model = played.start(replace(behaviour, faults=list(behaviour.faults)))
    found = probe(model, THINKING)
    assert found == expected
    server.bodies.clear()
    engine = OpenAIEngine(model, concurrency=1, capabilities=found, thinking_tokens=THINKING)
    answers = dict(engine.complete([QUESTION, CHOICE]))
    assert answers[0].text == behaviour.reply({"messages": [{"content": ""}]})
    assert max(answers[1].alternatives, key=lambda item: item[1])[0] == "Yes"
    assert [answer.problem for answer in answers.values()] == [None, None]
    assert len(server.bodies) == 2
    for body in server.bodies:
        assert not body.keys() & set(behaviour.refuses)
        assert body[expected.token_limit] >= (THINKING if expected.thinks else 1)
        text = "\n\n".join(turn["content"] for turn in body["messages"])
        assert text.startswith("Be brief.\n\n")
        assert [turn["role"] for turn in body["messages"]][-1] == "user"
        assert len(body["messages"]) == (2 if expected.system_role else 1)


def test_one_plain_line_says_it() -> None:
    assert str(Capabilities(thinks=True)) == (
        "log-probs yes, seed yes, temperature yes, system role yes, JSON schema no, limit max_tokens, thinks"
    )


@pytest.mark.parametrize("where", ["tags", "opened", "hidden", "reasoning_content"])
def test_thoughts_without_end_are_no_answer(played: Played, where: str) -> None:
    behaviour = Behaviour(thinks=where)
    server, model = played.start(behaviour)
    found = probe(model, THINKING)
    behaviour.thoughts = 10**5
    for request in (QUESTION, CHOICE):
        # No log-probs of a thought are read for a verdict.
        engine = OpenAIEngine(model, concurrency=1, capabilities=found, thinking_tokens=THINKING)
        ((_, completion),) = engine.complete([request])
        assert (completion.problem, completion.alternatives) == ("thought without end", ())
    assert found.thinks
    assert server.bodies[-1]["max_tokens"] > THINKING


def test_thinking_tokens_that_a_server_does_not_take_are_named(played: Played) -> None:
    behaviour = Behaviour(thinks="tags")

    def reply(_: object) -> str:
        behaviour.special = {"snow": Fault(400, json.dumps({"error": {"message": LONG}}))}
        return "Yes"

    behaviour.reply = reply
    server, model = played.start(behaviour)
    with pytest.raises(CharterError, match=r"^teacher\.thinking_tokens: .* doesn't take 1000.* 4096 tokens"):
        probe(model, THINKING)
    assert len(server.bodies) == 2


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (Behaviour(special={"snow": Fault(400, "no such model")}), r"served: .* HTTP 400: no such model"),
        (Behaviour(special={"snow": Fault(401)}), r"teacher\.base_url: .* set OPENAI_API_KEY"),
        (Behaviour(special={"snow": Fault(text="<html>")}), r"teacher\.base_url: .* ends in /v1; .*<html>"),
        (Behaviour(thinks="unclosed"), r"teacher\.thinking_tokens: 'played' thought for 1000 tokens"),
        (Behaviour(reply=lambda _: ""), r"served: 'played' answers a plain question with no text \(empty\)"),
    ],
)
def test_a_teacher_that_answers_nothing_plain_is_an_error(
    played: Played, behaviour: Behaviour, message: str
) -> None:
    _, model = played.start(behaviour)
    with pytest.raises(CharterError, match=message):
        probe(model, THINKING)


@pytest.mark.parametrize("refusal", [Fault(500), Fault(200), Fault(422)])
def test_a_feature_is_refused_in_several_ways(played: Played, refusal: Fault) -> None:
    """Some servers break where a template knows no system turn, or send the error as an answer."""
    _, model = played.start(Behaviour(special={"bluebird": refusal}))
    assert probe(model, THINKING) == without(system_role=False)


@pytest.mark.parametrize("by_schema", [True, False])
def test_several_samples_give_shares(played: Played, by_schema: bool) -> None:
    words = {0: "Yes", 1: "No.", 2: "**Answer: Yes**", 3: "I can't say."}
    behaviour = Behaviour(
        logprobs=False,
        ignores=() if by_schema else ("response_format",),
        reply=lambda body: words[body["seed"]] if "or No?" in str(body["messages"]) else answer(body),
    )
    completion, server = played.ask(behaviour, CHOICE, samples=4)
    shares = {word: round(math.exp(score), 3) for word, score in completion.alternatives}
    # A schema lets nothing unreadable come.
    assert shares == ({"Yes": 0.75, "No": 0.25} if by_schema else {"Yes": 0.5, "No": 0.25})
    assert [body["seed"] for body in server.bodies] == [0, 1, 2, 3]
    assert all(body["temperature"] == 1 for body in server.bodies)
    assert (completion.tokens, completion.prompt_tokens) == (8, 120)


@pytest.mark.models
def test_transformers_own_server_gives_verdicts_in_words(
    base_models: ProjectPaths, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with serve(base_models.seed, tmp_path_factory.mktemp("server") / "log") as server:
        model = ModelServer(server.url, str(base_models.seed))
        found = probe(model, 64)
        # It takes log-probs and a schema, and gives neither.
        assert (found.logprobs, found.json_schema, found.thinks) == (False, False, False)
        engine = OpenAIEngine(model, concurrency=1, capabilities=found, verdict_samples=3)
        ((_, verdict),) = engine.complete(
            [ask_choice((("user", "Is snow white? Yes or No."),), ("Yes", "No"))]
        )
        assert verdict.tokens > 0
        assert {word for word, _ in verdict.alternatives} <= {"Yes", "No"}
