"""What people chose on the compare page: a file a corpus, to which rows are added and never changed."""

from pydantic import model_validator

from charter.project.records import Model, Row


class VotedAnswer(Row):
    """An answer that was shown.

    ``models`` are the SHA-256 of the folders that wrote it: the seed's and its adapter's, or the teacher's.
    ``whole`` is false where it was cut off at the longest that was allowed.
    """

    system: Model
    rag: bool
    models: tuple[str, ...]
    text: str
    whole: bool


class Vote(Row):
    """Which answer to a question a person found best.

    ``answers`` are in the order in which they were shown, ``best`` is the place of the best among them, from
    0, and None where none was better than the others. ``blind`` says that the systems' names were hidden.
    ``rule`` is the rule nearest to the question and ``chunk_id`` its chunk; without rules it is empty, and
    the chunk the nearest one. ``retrieved`` are the chunks that systems with RAG were shown. ``time`` is
    ISO 8601, in UTC.
    """

    id: str
    time: str
    voter: str
    question: str
    blind: bool
    chunk_id: str
    rule: str
    retrieved: tuple[str, ...]
    answers: tuple[VotedAnswer, ...]
    best: int | None

    @model_validator(mode="after")
    def _best_is_among_the_answers(self) -> "Vote":
        if self.best is not None and not 0 <= self.best < len(self.answers):
            raise ValueError("best is the place of one of the answers, from 0, or null")
        return self
