"""Servers that misbehave: each ends in an answer, in a named reason or in an error that says what to do."""

import json
from typing import Any

import pytest

from charter.generation.budget import Budget
from charter.generation.capabilities import Capabilities
from charter.generation.engine import Request
from charter.generation.openai_engine import OpenAIEngine
from charter.project import sections
from charter.project.errors import CharterError
from played_server import CHOICE, LONG, QUESTION, Behaviour, Fault, Played

AZURE = '{"error": {"code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}'
WORDS = Capabilities(logprobs=False)


def said(message: Any, **others: Any) -> Fault:
    return Fault(text=json.dumps({"choices": [{"message": message, **others}]}))


def scored(*tokens: Any) -> dict[str, Any]:
    return {"message": {"content": "Yes"}, "logprobs": {"content": [{"top_logprobs": list(tokens)}]}}


YES, ODD = {"token": " yes", "logprob": -0.2}, {"token": "Hm", "logprob": None}

ANSWERS = {
    "usage missing": Behaviour(special={"Why": said({"content": "Yes"})}),
    "finish_reason null": Behaviour(special={"Why": {"finish_reason": None}}),
    "a list of parts": Behaviour(
        special={
            "Why": {"message": {"content": [{"type": "text", "text": "Y"}, {"type": "text", "text": "es"}]}}
        }
    ),
    "parts with a thought": Behaviour(
        special={
            "Why": said({"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Yes"}]})
        }
    ),
    "bare parts": Behaviour(special={"Why": said({"content": ["Yes"]})}),
    "fields that nobody knows": Behaviour(
        special={"Why": said({"content": "Yes", "audio": {"x": []}}, x=None)}
    ),
    "another content type": Behaviour(
        special={
            "Why": Fault(text=said({"content": "Yes"}).text, headers={"Content-Type": "text/event-stream"})
        }
    ),
    "busy for a while": Behaviour(faults=[Fault(429, headers={"Retry-After": "1"})]),
    "down for a while": Behaviour(faults=[Fault(503), Fault(502, "<html>Bad gateway</html>")]),
    "lost in mid-reply": Behaviour(faults=[Fault(drops=True), Fault(drops=True)]),
    "a slow first byte": Behaviour(pause=1.0),
}


@pytest.mark.parametrize("behaviour", ANSWERS.values(), ids=ANSWERS)
def test_what_can_be_read_is_an_answer(played: Played, behaviour: Behaviour) -> None:
    _, model = played.start(behaviour)
    ((_, completion),) = OpenAIEngine(model, concurrency=1).complete([QUESTION])
    assert (completion.text, completion.problem) == ("Yes", None)


PROBLEMS: dict[str, tuple[Fault | dict[str, Any], str]] = {
    "refusal": (said({"content": None, "refusal": "I can't help."}), "refused"),
    "refusal by its end": ({"finish_reason": "refusal"}, "refused"),
    "content null": (said({"content": None}), "empty"),
    "no content": (said({}), "empty"),
    "spaces": (said({"content": " \n"}), "empty"),
    "no parts": (said({"content": []}), "empty"),
    "no choices": (Fault(text='{"choices": []}'), "empty"),
    "length": ({"finish_reason": "length"}, "cut off"),
    "a filter behind": ({"finish_reason": "content_filter"}, "stopped by a content filter"),
    "a filter before": (Fault(400, AZURE), "stopped by a content filter"),
    "too long": (Fault(400, json.dumps({"error": {"message": LONG}})), "too long for the teacher"),
    "a thought alone": (said({"content": "<think>Well, "}, finish_reason="stop"), "thought without end"),
}


@pytest.mark.parametrize(("special", "problem"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_is_no_answer_has_a_name(played: Played, special: Fault | dict[str, Any], problem: str) -> None:
    _, model = played.start(Behaviour(special={"Be brief": special}))
    ((_, completion),) = OpenAIEngine(model, concurrency=1).complete([QUESTION])
    assert completion.problem == problem
    # Neither is there a verdict, in words or by log-probs, unless its one token was all that was asked for.
    for found in (WORDS, Capabilities()):
        if (problem, found) != ("cut off", Capabilities()):
            ((_, verdict),) = OpenAIEngine(model, concurrency=1, capabilities=found).complete([CHOICE])
            assert (verdict.alternatives, verdict.problem) == ((), problem)


ERRORS: dict[str, tuple[Fault | dict[str, Any], str]] = {
    "an error under 200": (Fault(text='{"error": {"message": "Upstream down"}}'), "is kept.*Upstream down"),
    "a page": (Fault(text="<html>Welcome</html>"), r"ends in /v1; .*<html>Welcome"),
    "half of it": (Fault(text='{"choices": [{"mess'), "run the same command again.*mess"),
    "nothing": (Fault(text=""), "not with a chat completion"),
    "null": (Fault(text="null"), "not with a chat completion"),
    "a text completion": (Fault(text='{"choices": [{"text": "Yes"}]}'), "not with a chat completion"),
    "always lost": (Fault(drops=True), "did not answer: .*is kept"),
    "a request it refuses": (Fault(400, "seed must be odd"), "--force base-models.*seed must be odd"),
    "too much at once": (Fault(413, "Too large"), "HTTP 413: Too large"),
    "quota": (Fault(429, "Quota", headers={"Retry-After": "86400"}), r"Quota \(Retry-After: 86400\)"),
}


@pytest.mark.parametrize(("special", "message"), ERRORS.values(), ids=ERRORS)
def test_what_cannot_be_gone_on_from_says_what_to_do(
    played: Played, special: Fault | dict[str, Any], message: str
) -> None:
    _, model = played.start(Behaviour(special={"Be brief": special}))
    for request in (QUESTION, CHOICE):
        with pytest.raises(CharterError, match=message):
            list(OpenAIEngine(model, concurrency=1).complete([request]))


VERDICTS = {
    "fewer log-probs than asked": (Capabilities(), scored(YES), ["yes"]),
    "log-probs of other words": (Capabilities(), scored({"token": "Hm", "logprob": -0.1}), ["hm"]),
    "log-probs of no token": (Capabilities(), scored(), []),
    "the question repeated": (WORDS, {"message": {"content": "Yes or No?"}}, []),
    "both words": (WORDS, {"message": {"content": "Yes and No, really."}}, []),
    "another word": (WORDS, {"message": {"content": "Perhaps."}}, []),
    "marks around it": (WORDS, {"message": {"content": "**Answer: Yes**"}}, ["yes"]),
    "fenced JSON": (WORDS, {"message": {"content": '```json\n{"answer": "Yes"}\n```'}}, ["yes"]),
    "JSON without the word": (WORDS, {"message": {"content": '{"answer": "maybe"}'}}, []),
}


@pytest.mark.parametrize(("found", "special", "words"), VERDICTS.values(), ids=VERDICTS)
def test_a_verdict_is_read_or_is_unscored(
    played: Played, found: Capabilities, special: dict[str, Any], words: list[str]
) -> None:
    _, model = played.start(Behaviour(special={"or No?": special}))
    ((_, verdict),) = OpenAIEngine(model, concurrency=1, capabilities=found).complete([CHOICE])
    assert [word.strip().lower() for word, _ in verdict.alternatives] == words
    assert verdict.problem is None


def test_log_probs_that_are_gone_are_named(played: Played) -> None:
    for special in ({"logprobs": {"content": None}}, {"logprobs": None}):
        _, model = played.start(Behaviour(special={"or No?": special}))
        with pytest.raises(CharterError, match=r"recorded as giving log-probs .* --force base-models"):
            list(OpenAIEngine(model, concurrency=1).complete([CHOICE]))


def costs(completion_usage: Any, request: Request, played: Played) -> tuple[int, int | None]:
    completion, _ = played.ask(Behaviour(usage=completion_usage), request)
    budget = Budget(sections.Budget(requests=None, minutes=None, cost=None, prices=None))
    budget.count(completion)
    assert budget.left
    return completion.tokens, completion.prompt_tokens


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, (0, None)),
        ([], (0, None)),
        ({"prompt_tokens": "5", "completion_tokens": 2.0}, (2, 5)),
        ({"input_tokens": 5, "output_tokens": 7}, (7, 5)),
        ({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 57}, (52, 5)),
        ({"prompt_tokens": 5, "completion_tokens": None}, (0, None)),
    ],
)
def test_tokens_are_counted_where_they_are_said(
    played: Played, usage: Any, tokens: tuple[int, int | None]
) -> None:
    assert costs(usage, QUESTION, played) == tokens
