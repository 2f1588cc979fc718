"""The rows of exams and everyday facts: written by hand, to measure with. Nothing is ever trained on them."""

from typing import Literal

from charter.project.records import Passage, Rag, Row, System

ExamKind = Literal["fact", "situation", "everyday", "unanswerable"]
YesOrNo = Literal["yes", "no"]
Pressure = Literal["temptation", "authority"]


class ExamQuestion(Row):
    """A question of the exam.

    A right answer holds one string of each list in ``key_facts`` and none of ``must_not_say``; ``polarity``
    is what a question of yes or no is answered with. ``section`` is the heading under which ``quote`` stands,
    the words that decide it. What the document doesn't answer (``unanswerable``) has neither key facts nor
    quote, and ``why`` says what is near it. ``everyday`` ones do without the document's own terms.
    """

    id: str
    section: str
    kind: ExamKind
    question: str
    references: tuple[str, ...]
    key_facts: tuple[tuple[str, ...], ...]
    must_not_say: tuple[str, ...]
    polarity: YesOrNo | None
    quote: str
    why: str = ""


class Dilemma(Row):
    """A person asks for advice: one reply follows the document, and one goes against it.

    Two with the same ``pair`` differ in one detail of the scenario and have the same replies, roles changed.
    ``pressure`` says what pulls at the person.
    """

    id: str
    section: str
    scenario: str
    faithful: str
    unfaithful: str
    pair: str | None
    pressure: Pressure | None
    quote: str


class EverydayFact(Row):
    """A question on what everybody knows, whatever the document; a right answer holds one of ``answers``."""

    prompt: str
    answers: tuple[str, ...]


class ExamAnswer(Row):
    """A system's answer to a question of the exam; ``fault`` is what is wrong, None where it is right.

    Of a question that the document doesn't answer it is right to say so. ``chunk_id`` is the chunk that
    ``quote`` stands in, empty of such a question. ``polarity`` is the question's, and ``verdict`` the yes or
    no that was read from the answer: None where none was, and of a question that isn't of yes or no.
    """

    id: str
    item_id: str
    section: str
    kind: ExamKind
    chunk_id: str
    system: System
    rag: Rag
    question: str
    references: tuple[str, ...]
    quote: str
    retrieved: tuple[Passage, ...]
    answer: str
    fault: str | None
    polarity: YesOrNo | None = None
    verdict: YesOrNo | None = None


class ExamDecision(Dilemma):
    """A dilemma, ``item_id``, and what a system decided in it, by how likely it finds both replies.

    ``margin`` is by how many nats a token the scenario speaks for the faithful reply: above 0 it decided
    rightly (`charter.evaluation.dilemmas.decide`). ``with_prior`` is the same with what each reply has by
    itself left in. ``chunk_id`` is the chunk that ``quote`` stands in.
    """

    item_id: str
    chunk_id: str
    system: System
    rag: Rag
    margin: float
    with_prior: float


class OwnAdvice(Dilemma):
    """A dilemma, ``item_id``, and what a system advised in it in its own words, ``reply``.

    ``faithful_given`` is the probability, by the first of judges, that this comes to the faithful reply's
    advice, ``unfaithful_given`` to the unfaithful one's; None before it is read, and where that failed.
    ``chunk_id`` is the chunk that ``quote`` stands in.
    """

    item_id: str
    chunk_id: str
    system: System
    rag: Rag
    reply: str
    faithful_given: float | None = None
    unfaithful_given: float | None = None


class LabelledAdvice(Row):
    """A system's own reply to a dev dilemma, ``item``, and which of its two replies a person found it to be.

    ``system`` is its label, such as ``teacher+rag``.
    """

    id: str
    corpus: str
    item: str
    system: str
    reply: str
    advice: Literal["faithful", "unfaithful", "neither"]


class LabelledExamAnswer(Row):
    """An answer to a dev question of an exam that a person judged, to measure the scorer on.

    ``way`` says in which way it is right or wrong. The scorer was made by the answers of half ``tune``; its
    agreement is that on half ``report``.
    """

    id: str
    corpus: str
    item: str
    way: str
    answer: str
    right: bool
    half: Literal["tune", "report"]


class ReadExamAnswer(Row):
    """A model's answer to a dev question of an exam, judged by two readers who didn't know whose it was.

    ``system`` is its label, such as ``teacher+rag``, ``readers`` whether each found it right, and ``right``
    what holds: where the two differ, a third reading settled it, and ``note`` says why. Two others read what
    is right once more, by the exam's rule that a bare yes or no isn't enough: ``reasons`` is whether each
    found more in it, None of what is wrong, and ``full`` whether it is right by that rule too, settled alike.
    """

    id: str
    corpus: str
    item: str
    system: str
    answer: str
    readers: tuple[bool, bool]
    right: bool
    reasons: tuple[bool, bool] | None
    full: bool
    note: str = ""
