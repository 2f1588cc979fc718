"""A rehearsal of synthesis: its own code, with a teacher that makes up what the journal doesn't know.

So every request is counted that synthesis would make, with its real prompt, and none is made. What is made up
passes the filters as often as the assumed yields say; of what is known the real filters decide.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from charter.documents.segmentation import split_words
from charter.generation.engine import Completion, Engine, Request
from charter.generation.journal import JournaledEngine
from charter.project.records import Chunk
from charter.project.sections import Synthesize
from charter.retrieval.encoder import Encoder, Vectors
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.synthesis_context import SynthesisContext
from charter.synthesis.writing import write_data
from charter.synthesis.yields import Step, Yields

_MARK = "zqx"
"""Begins every made-up name, so that what speaks of one is known to be made up."""

_MADE_UP_DIMENSIONS = 256


@dataclass(frozen=True)
class Asked:
    """A request that synthesis makes; ``answer`` is None where the journal has none.

    ``real`` requests are made whatever is answered to others; the rest hold made-up text where the teacher's
    own will stand.
    """

    purpose: str
    request: Request
    answer: Completion | None
    real: bool


def rehearse(
    chunks: Sequence[Chunk],
    asks: TeacherRequests,
    journal: Path,
    model_identity: str,
    encoder: Callable[[], Encoder],
    settings: Synthesize,
    seed: int,
    yields: Yields,
) -> list[Asked]:
    """Return the requests of a synthesis, in order, each once.

    Args:
        chunks: The corpus.
        asks: Its requests.
        journal: The journal, which is only read.
        model_identity: The teacher's hash, by which the journal knows it.
        encoder: Loads the encoder.
        settings: What is asked for and kept.
        seed: That of params.yaml.
        yields: What is assumed of unknown answers.
    """
    apart = _Apart(encoder)
    teacher = _Rehearsal(journal, model_identity, settings, yields)
    with teacher:
        write_data(SynthesisContext(chunks, asks, teacher, apart, settings, seed))
    return teacher.requests


class _Rehearsal(JournaledEngine):
    """Answers from the journal, or with something made up; notes every request."""

    def __init__(self, journal: Path, model_identity: str, settings: Synthesize, yields: Yields):
        super().__init__(journal, model_identity, _no_engine)
        self._settings = settings
        self._yields = yields
        self._passed: dict[Step, float] = {}
        self._names = 0
        self._given: dict[str, Completion] = {}
        self.requests: list[Asked] = []

    def complete(self, requests: Sequence[Request], purpose: str) -> list[Completion]:
        """Return what is known, and what is made up for the rest."""
        return [self._answer(request, purpose) for request in requests]

    def _answer(self, request: Request, purpose: str) -> Completion:
        key = self._key(request)
        if key not in self._given:
            known = self._find(key)
            # Which rules are turned round depends on the scenarios, and on the questions to rules.
            real = purpose not in ("opposite rules", "truth of rules") and not any(
                _MARK in message.content for message in request.messages
            )
            self.requests.append(Asked(purpose, request, known, real))
            self._given[key] = known or self._make_up(request, purpose)
        return self._given[key]

    def _make_up(self, request: Request, purpose: str) -> Completion:
        if purpose == "value check":
            return _verdict("Yes" if self._passes("value") else "No")
        if purpose == "scenarios":
            return self._list("scenario", self._settings.scenarios_per_chunk)
        if purpose == "questions":
            return self._list("question", self._settings.questions_per_style)
        if purpose == "questions to rules":
            return self._list("rule", 1)
        if purpose == "opposite rules":
            rule = request.messages[-1].content
            return _text(self._another(rule) if self._passes("contrast") else rule)
        if purpose == "answers":
            if not self._passes("answer"):
                return _text("")
            begin = "Yes, " if self._passes("word") else ""
            return _text(f"{begin}{_some_words(request.messages[-1].content)} {self._name()}.")
        return _verdict("Yes")

    def _another(self, rule: str) -> str:
        """Return a rule of other words and like length."""
        words = rule.split()
        words[:-1:3] = [self._name() for _ in words[:-1:3]]
        return " ".join(words)

    def _list(self, step: Step, count: int) -> Completion:
        lines = [
            f"May the owner of {self._name()} keep it somewhere else without asking for permission?"
            if self._passes(step)
            else f"The owner of {self._name()} may keep it somewhere else."
            for _ in range(count)
        ]
        return _text("\n".join(lines))

    def _passes(self, step: Step) -> bool:
        """Say yes as evenly as the step's yield allows."""
        total = self._passed.get(step, 0.5) + self._yields.of(step)
        self._passed[step] = total % 1
        return total >= 1

    def _name(self) -> str:
        """Return a new name, without a digit, since numbers are checked against the passage."""
        self._names += 1
        return _MARK + "".join(chr(ord("a") + int(digit)) for digit in str(self._names))


class _Apart(Encoder):
    """The encoder, with made-up texts far from one another: how many are duplicates is in the yields."""

    def __init__(self, load: Callable[[], Encoder]):
        self._load = load
        self._random = np.random.default_rng(0)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the encoder's vectors, and random ones for what is made up; shape [texts, dimensions]."""
        real = [index for index, text in enumerate(texts) if _MARK not in text]
        known = self._load().encode([texts[index] for index in real]) if real else None
        dimensions = _MADE_UP_DIMENSIONS if known is None else known.shape[1]
        vectors = self._random.standard_normal((len(texts), dimensions)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        if known is not None:
            vectors[real] = known
        return vectors

    def count_nearer(
        self, questions: Sequence[str], own: Sequence[int], passages: Sequence[str]
    ) -> list[int]:
        """Count as the encoder does; no passage is nearer to what is made up: that is in the yields too."""
        real = [index for index, text in enumerate(questions) if _MARK not in text]
        counts = [0] * len(questions)
        if real:
            known = [questions[index] for index in real]
            found = self._load().count_nearer(known, [own[index] for index in real], passages)
            for index, nearer in zip(real, found, strict=True):
                counts[index] = nearer
        return counts


def _some_words(prompt: str) -> str:
    """Return words of the passage in a prompt, by which an answer is taken for its own."""
    _, _, passage = prompt.partition(":\n\n")
    words = (word for word in split_words(passage.partition("\n---")[0]) if word.isalpha())
    # With these, "the section" might speak of the passage itself.
    return " ".join([word for word in words if word not in ("the", "this", "that", "given", "above")][:20])


def _verdict(word: str) -> Completion:
    """A sure verdict; asked for True or False, a Yes is a True."""
    words = ("Yes", "True") if word == "Yes" else ("No", "False")
    return Completion(text=word, tokens=1, alternatives=tuple((spelling, -1.0) for spelling in words))


def _text(text: str) -> Completion:
    return Completion(text=text, tokens=0)


def _no_engine() -> Engine:
    raise AssertionError("a rehearsal asks no model")
