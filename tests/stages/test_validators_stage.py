"""The validators stage, with an engine whose verdicts are given."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from charter.generation.engine import Completion, Request
from charter.generation.journal import JournaledEngine
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import LabelledItem, LabelledKind
from charter.project.storage import write_rows
from charter.stages import validators
from charter.synthesis import context as synthesis_context
from charter.synthesis.context import SynthesisContext
from charter.synthesis.decisions import TRUE_OR_FALSE, YES_OR_NO
from rows import chunk_of, rule_of

TEXTS = ("Gifts above EUR 50 are refused.", "Helmets are worn on site.")
CHUNKS = [chunk_of(text, headings=("Rules",)) for text in TEXTS]


def item(name: str, kind: LabelledKind, label: bool, chunk: int, question: str, text: str) -> LabelledItem:
    quote = TEXTS[chunk].rstrip(".")
    return LabelledItem(
        id=name, kind=kind, quote=quote, question=question, text=text, label=label, note="made up"
    )


ITEMS = [
    item("a1", "answer", True, 0, "Which gifts are refused?", "Those above EUR 50."),
    item("a2", "answer", False, 0, "Which gifts are kept?", "Those up to EUR 90."),
    item("a3", "answer", True, 1, "What is worn on site?", "Helmets are."),
    item("a4", "answer", False, 1, "Who wears helmets?", "Visitors alone do."),
    item(
        "r1",
        "response",
        True,
        0,
        "I got a watch of EUR 80. May I keep it?",
        "No, because it is above EUR 50.",
    ),
    item("r2", "response", False, 0, "I got a car. May I keep it?", "Yes, because cars are no gifts."),
    item("r3", "response", True, 1, "I'm on site. Do I wear a helmet?", "Yes, because helmets are worn."),
    item("r4", "response", False, 1, "I visit the site. Is a cap enough?", "Yes, because caps are helmets."),
]
YES = {
    "Those above EUR 50.": 0.9,
    "Those up to EUR 90.": 0.5,  # kept at 0.5: a mistake
    "Helmets are.": 0.3,  # refused: a mistake
    "Visitors alone do.": 0.2,
    "May I keep it?": 0.1,
    "Do I wear a helmet?": 0.52,  # right, but by less than the margin: a mistake
    "Is a cap enough?": 0.05,
}
OPPOSITE = "The opposite."


class GivenVerdicts:
    """An engine that says Yes, or True, with the probability given for a text in the last turn.

    By the opposite of a rule it says No with it.
    """

    def __init__(self, yes: Mapping[str, float]) -> None:
        self._yes = yes
        self.requests: list[Request] = []

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            self.requests.append(request)
            if not request.alternatives:
                yield index, Completion(text=OPPOSITE, tokens=2)
                continue
            shown = request.messages[-1].content
            (yes,) = [probability for text, probability in self._yes.items() if text in shown]
            if OPPOSITE in shown:
                yes = 1 - yes
            words = ("True", "False") if "True or False" in shown else ("Yes", "No")
            alternatives = tuple(zip(words, (math.log(yes), math.log(1 - yes)), strict=True))
            yield index, Completion(text=words[0], tokens=1, alternatives=alternatives)


class OneDirection:
    """Finds all texts alike: each chunk has one rule, so that is the nearest."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.ones((len(texts), 1), dtype=np.float32)


@pytest.fixture
def engine() -> GivenVerdicts:
    return GivenVerdicts(YES)


@pytest.fixture
def paths(tmp_path: Path, engine: GivenVerdicts, monkeypatch: pytest.MonkeyPatch) -> CorpusPaths:
    paths = ProjectPaths(tmp_path).corpus("udhr")
    write_rows(paths.chunks, CHUNKS)
    write_rows(paths.rules, [rule_of(chunk, chunk.text) for chunk in CHUNKS])
    write_rows(tmp_path / "labelled.jsonl", ITEMS)
    monkeypatch.setattr(
        validators, "open_teacher", lambda _, paths: JournaledEngine(paths.journal, "given", lambda: engine)
    )
    monkeypatch.setattr(synthesis_context, "Encoder", lambda *_: OneDirection())
    return paths


@pytest.fixture
def ours(params: Params) -> Params:
    settings = params.synthesize.model_copy(update={"min_support": 0.5, "min_preference_margin": 0.25})
    return params.model_copy(update={"labelled": {"udhr": "labelled.jsonl"}, "synthesize": settings})


def test_validators_are_measured_at_the_thresholds_of_synthesis(ours: Params, paths: CorpusPaths) -> None:
    measured = validators.run(ours, paths)
    assert set(measured) == {"support", "verification"}
    support, verification = measured["support"], measured["verification"]
    assert (support["threshold"], support["n"], support["unscored"]) == (0.5, 4, 0)
    assert support["mistakes"] == ["a2", "a3"]
    assert [support[name]["value"] for name in ("precision", "recall", "accuracy", "auc")] == [
        0.5,
        0.5,
        0.5,
        0.75,
    ]
    assert (verification["threshold"], verification["mistakes"]) == (0.25, ["r3"])
    assert [verification[name]["value"] for name in ("precision", "recall", "accuracy", "auc")] == [
        1.0,
        0.5,
        0.75,
        1.0,
    ]
    assert verification["precision"]["n"] == 1


def test_a_lower_threshold_keeps_more(ours: Params, paths: CorpusPaths) -> None:
    settings = ours.synthesize.model_copy(update={"min_support": 0.25, "min_preference_margin": 0.05})
    measured = validators.run(ours.model_copy(update={"synthesize": settings}), paths)
    assert measured["support"]["mistakes"] == ["a2"]
    assert measured["verification"]["mistakes"] == []


def test_the_teacher_is_asked_what_synthesis_asks_and_once(
    ours: Params, paths: CorpusPaths, engine: GivenVerdicts
) -> None:
    validators.run(ours, paths)
    title, tokens = ours.corpora["udhr"].title, ours.synthesize.max_answer_tokens
    context = SynthesisContext(title, CHUNKS, (), None, None, ours.synthesize, ours.seed)  # type: ignore[arg-type]
    expected = [
        context.choice("support", CHUNKS[n // 2], TRUE_OR_FALSE, statement=ITEMS[n].text) for n in range(4)
    ]
    responses = [(CHUNKS[n // 2], ITEMS[4 + n]) for n in range(4)]
    expected += [
        context.request("opposite_rule", chunk, max_tokens=tokens, rule=chunk.text) for chunk in CHUNKS
    ]
    # These chunks are a rule and nothing else, so what is asked by the rule was asked by the passage.
    expected += [context.choice("verdict", chunk, YES_OR_NO, prompt=row.question) for chunk, row in responses]
    expected += [
        context.choice("verdict", chunk, YES_OR_NO, prompt=row.question, passage=OPPOSITE)
        for chunk, row in responses
    ]
    assert engine.requests == expected
    validators.run(ours, paths)
    assert len(engine.requests) == len(expected)


def test_a_corpus_without_labelled_items_is_named(ours: Params, paths: CorpusPaths) -> None:
    with pytest.raises(CharterError, match=r"labelled\.udhr: missing"):
        validators.run(ours.model_copy(update={"labelled": {}}), paths)


def test_a_quote_that_no_chunk_has_is_named_with_its_line(ours: Params, paths: CorpusPaths) -> None:
    write_rows(paths.chunks, CHUNKS[:1])
    with pytest.raises(CharterError, match=r"labelled\.jsonl:3: a3: no chunk has the quote .*extract\.limit"):
        validators.run(ours, paths)


def test_a_response_of_a_passage_without_a_rule_is_unscored(ours: Params, paths: CorpusPaths) -> None:
    write_rows(paths.rules, [rule_of(CHUNKS[0], CHUNKS[0].text)])
    verification = validators.run(ours, paths)["verification"]
    assert (verification["n"], verification["unscored"]) == (4, 2)
    assert verification["mistakes"] == ["r3"], "what isn't scored is refused: r4 rightly"
