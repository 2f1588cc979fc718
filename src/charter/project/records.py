"""The rows that travel between stages: frozen, typed, and identified by their content.

A row's ``id`` is a hash of what makes it that row, so equal rows have equal ids in every run, and every
row leads back to a chunk, and a chunk to pages of a document.
"""

import hashlib
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict

Model = Literal["seed", "cft", "sft", "dpo", "teacher"]
FixedAnswer = Literal["always-yes", "always-no", "refuse-all", "never-answered"]
System = Model | FixedAnswer | Literal["echo", "nearest-sentence", "nearest-answer"]
"""What answers: models, and ways to answer without one, which show up a weak metric."""

Rag = bool | Literal["gold"]
"""What a system is shown beside the question: nothing, what retrieval found, or the right chunk."""

Kind = Literal["instruct", "preference"]
RefusedKind = Literal["instruct", "rule", "preference", "rule-pair", "vote", "register"]
"""What is refused: beside both data sets, their training rows of rules alone and of votes, and rules."""
Modality = Literal["right", "duty", "permission", "ban", "procedure", "value", "unknown"]
LabelledKind = Literal["answer", "response"]
ProbeKind = Literal["harmful", "benign", "general"]
AskedKind = Literal[ProbeKind, "fact"]
DemonstrationKind = Literal[ProbeKind, "replay"]
SPLITS = ("train", "validation", "test")

DIVISIONS = "article|section|chapter|part|annex|appendix|schedule"
"""What numbered parts of a document are called, for a regular expression."""

_NUMBER = re.compile(
    rf"^(?:(?:{DIVISIONS})\s+(?:[\d.]+|[ivxlc]+\b|[a-z]\b)"
    r"|§+\s*[\d.]+|[\d.]+(?=\s|$)|(?:[ivxlc]+|[a-z])[.)](?=\s))[.):\s–—-]*",
    re.IGNORECASE,
)


def content_id(*parts: str) -> str:
    """Return the first 16 hex digits of the SHA-256 of the parts, unambiguous in where each part ends."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()[:16]


class Row(BaseModel):
    """What all rows have: no unknown field, no change after creation."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Document(Row):
    """The text of one document, as extracted; ``page_starts[i]`` is the offset at which page i+1 begins.

    ``page_starts`` is empty where the format has no pages (HTML, Markdown). ``language`` is the ISO 639-3
    code of what most of it is written in, or what params.yaml says of its corpus, None where there is too
    little to tell. How much there was, in letters and digits: ``body`` before any cleaning, but without
    ``running`` (running headers and footers, page numbers) and ``contents`` (tables of contents), which were
    removed.
    """

    id: str
    name: str
    sha256: str
    text: str
    page_starts: tuple[int, ...]
    language: str | None
    body: int
    running: int
    contents: int


class Chunk(Row):
    """A span of one section of a document: ``document.text[start:end] == text``.

    ``headings`` is the path of headings above the chunk, outermost first. ``pages`` are 1-based.
    ``language`` is its document's, or the corpus's where params.yaml names it.
    """

    id: str
    document: str
    document_sha256: str
    headings: tuple[str, ...]
    pages: tuple[int, ...]
    start: int
    end: int
    language: str | None
    text: str

    def narrowed(self, span: tuple[int, int] | None) -> "Chunk":
        """Return the part ``[start:end]`` of it; all of it for None. Id, headings and pages stay."""
        if span is None:
            return self
        start, end = (self.start + place for place in span)
        return self.model_copy(update={"text": self.text[slice(*span)], "start": start, "end": end})

    @property
    def topics(self) -> tuple[str, ...]:
        """The headings without numbers: "2.3 Outside work" is "Outside work", and "Article 7" names no topic.

        A model that sees numbers cites them, and readers of what it writes don't have the document.
        """
        names = (_NUMBER.sub("", heading) for heading in self.headings)
        return tuple(name for name in names if name)


class Rule(Row):
    """What a document demands, in one sentence that stands by itself: ``statement``.

    It rests on ``quotation``, the text ``[start:end]`` of its chunk. ``limits`` are conditions, amounts and
    exceptions, ``deciders`` who decides by it, ``reason`` is the one that the document gives. ``grey`` says
    why it is unclear, in conflict with another, or only implied.
    """

    id: str
    chunk_id: str
    statement: str
    modality: Modality
    quotation: str
    start: int
    end: int
    limits: tuple[str, ...]
    deciders: tuple[str, ...]
    reason: str | None
    grey: str | None


class RuleDecision(Row):
    """What a person decided of a rule; ``statement`` is its new wording where it was edited."""

    rule_id: str
    decision: Literal["accept", "edit", "strike"]
    statement: str
    note: str


class InstructExample(Row):
    """A question a reader of the document may ask, and the answer its chunk supports.

    ``rule`` is the rule that it asks about, empty where it was asked about the chunk. ``support`` is the
    sentence of the chunk that the answer rests on, empty if it can't stand alone or says what is held out.
    """

    id: str
    chunk_id: str
    style: str
    rule: str
    question: str
    answer: str
    support: str = ""


class PreferencePair(Row):
    """A scenario (``prompt``), the responses for and against the document, and the ``rule`` that decides."""

    id: str
    chunk_id: str
    rule: str
    prompt: str
    chosen: str
    rejected: str


class Rejected(Row):
    """A generated row that a filter refused: which filter, why, and the raw text."""

    id: str
    chunk_id: str
    kind: RefusedKind
    filter: str
    reason: str
    raw: str


class LabelledItem(Row):
    """A text whose right judgement is known, to measure a validator of synthesis on; never trained on.

    These rows are written by hand, so ``id`` is any name that the file has once. An ``answer`` is judged for
    whether the passage supports it, a ``response`` to a scenario for whether it follows the passage;
    ``label`` is true where it does. ``quote`` is the part of the document that decides, word for word, and
    leads back to the chunk that has it; ``note`` says why.
    """

    id: str
    kind: LabelledKind
    quote: str
    question: str
    text: str
    label: bool
    note: str


class Passage(Row):
    """A chunk, or the ``span`` of its text, as retrieval found it; ``score`` is by ``retrieval.method``.

    A higher score is better. ``span`` is None where all of the chunk is shown.
    """

    chunk_id: str
    score: float
    span: tuple[int, int] | None = None


class Prediction(Row):
    """A system's answer to a held-out question.

    ``retrieved`` is empty without RAG; with ``rag`` "gold" it is the question's own chunk, its score 1.
    """

    id: str
    item_id: str
    chunk_id: str
    system: System
    rag: Rag
    question: str
    reference: str
    retrieved: tuple[Passage, ...]
    answer: str


class Judgement(Row):
    """A verdict of a judge, by the name it has in params.yaml, on a pair of answers in one order.

    ``comparison`` is ``win_rate:LABEL`` (LABEL's answer, then the opponent's), ``control:identical`` (twice
    one), ``control:shuffled`` (the reference, then that of another question) or ``control:preference`` (the
    chosen response, then the rejected). They were shown in that order or, where ``swapped``, in the other.
    Each pair is judged in both orders; an identical pair may be in one.

    ``probability_first`` is the judge's probability that the answer shown first is the better one,
    renormalised over the verdict tokens, None if unreadable; ``mass`` is the probability they had before.
    """

    id: str
    item_id: str
    chunk_id: str
    comparison: str
    swapped: bool
    probability_first: float | None
    mass: float | None
    judge: str = "teacher"


class ProbePrompt(Row):
    """A prompt that has nothing to do with the document; ``source`` is the file it comes from."""

    id: str
    source: str
    prompt: str


class GeneralPrompt(Row):
    """An everyday prompt, to see how a system still speaks."""

    prompt: str


class Demonstration(Row):
    """A prompt that has nothing to do with the document, and how to reply to it: training data of sft."""

    id: str
    kind: DemonstrationKind
    prompt: str
    response: str


class RejectedDemonstration(Row):
    """A demonstration that was refused, and why."""

    kind: DemonstrationKind
    prompt: str
    response: str
    reason: str


class LabelledResponse(Row):
    """A response that people judged: ``refused`` where it doesn't do what the request asks for."""

    request: str
    response: str
    refused: bool


class ProbeAnswer(Row):
    """How a system without RAG begins to answer a probe.

    ``refused`` is the detector's, and of general prompts and facts whether it declines in words; ``right`` is
    None but of facts.
    """

    id: str
    kind: AskedKind
    system: System
    prompt: str
    answer: str
    refused: bool
    right: bool | None
