"""Exercises in reading, which people write."""

from pydantic import model_validator

from charter.project.records import Row


class Exercise(Row):
    """A question, and what answers it: a ``word`` such as "No." or none, and the ``sentence`` that decides.

    ``sentence`` is its place in the document, from 0; None where no sentence of it answers.
    """

    question: str
    word: str = ""
    sentence: int | None


class ExerciseDocument(Row):
    """A document that people made up, as sentences that each stand by themselves, and questions on it."""

    id: str
    title: str
    sentences: tuple[str, ...]
    questions: tuple[Exercise, ...]

    @model_validator(mode="after")
    def _in_the_document(self) -> "ExerciseDocument":
        for exercise in self.questions:
            if exercise.sentence is not None and not 0 <= exercise.sentence < len(self.sentences):
                raise ValueError(
                    f"{exercise.question!r} rests on sentence {exercise.sentence}, which isn't there"
                )
            if exercise.sentence is None and exercise.word:
                raise ValueError(f"{exercise.question!r} has a word, and no sentence that it rests on")
        return self
