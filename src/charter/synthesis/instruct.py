"""Instruct data: sampled questions, greedy answers, and what the chunk doesn't support refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from charter.generation.journal import JournaledEngine
from charter.params import Synthesize
from charter.records import Chunk, InstructExample, Rejected, content_id
from charter.retrieval.encoder import Encoder
from charter.synthesis.decisions import decide_support
from charter.synthesis.filters import check_answer, check_numbers, check_question, without_citation
from charter.synthesis.ledger import Ledger
from charter.synthesis.requests import TeacherRequests

STYLES = {
    "content": "ask what it says: who has which right or duty, with which limits.",
    "permission": "ask whether something is allowed, required or forbidden in a practical situation.",
    "reason": "ask what it protects, what it is for, or what follows from it.",
}
"""Question styles, each completing "Write N different questions that"; one call a style and chunk."""


@dataclass(frozen=True)
class InstructData:
    """What was kept, what was refused, and how many questions were asked for."""

    examples: list[InstructExample]
    rejected: list[Rejected]
    requested: int


@dataclass(frozen=True)
class _Question:
    chunk: Chunk
    style: str
    text: str


def write_instruct_data(
    chunks: Sequence[Chunk],
    asks: TeacherRequests,
    teacher: JournaledEngine,
    encoder: Encoder,
    settings: Synthesize,
    seed: int,
) -> InstructData:
    """Ask the teacher for questions about each chunk in each style, and for their answers.

    Filters, in order: ``format`` and ``mention`` of a question, ``duplicate``, the same of an answer,
    and ``support``, the teacher's probability that the chunk says so.
    """
    ledger = Ledger("instruct")
    questions = _write_questions(chunks, asks, teacher, settings, seed, ledger)
    questions = ledger.without_duplicates(
        questions, [question.text for question in questions], encoder, settings.max_question_similarity
    )
    answers = teacher.complete(
        [asks.answer(question.chunk, question.text) for question in questions], "answers"
    )
    answered = []
    for question, completion in zip(questions, answers, strict=True):
        answer = without_citation(completion.text.strip())
        problem = check_answer(answer) or check_numbers(answer, question.chunk.text, question.text)
        if problem:
            ledger.refuse(question.chunk, "answer", problem, question.text, answer)
        else:
            answered.append((question, answer))
    verdicts = teacher.complete(
        [asks.support(question.chunk, answer) for question, answer in answered],
        "support of answers",
    )
    examples = []
    for (question, answer), verdict in zip(answered, verdicts, strict=True):
        decision = decide_support(verdict, settings.min_support)
        if not decision.kept:
            reason = f"support {decision.score}, less than {settings.min_support}"
            ledger.refuse(question.chunk, "support", reason, question.text, answer)
            continue
        examples.append(
            InstructExample(
                id=content_id(question.chunk.id, question.text, answer),
                chunk_id=question.chunk.id,
                style=question.style,
                question=question.text,
                answer=answer,
            )
        )
    requested = len(chunks) * styles_a_chunk(chunks, settings) * settings.questions_per_style
    return InstructData(examples, ledger.rows, requested)


def styles_a_chunk(chunks: Sequence[Chunk], settings: Synthesize) -> int:
    """Return in how many styles to ask about each chunk: fewer, but at least one, of a long document."""
    bound = settings.max_questions // (len(chunks) * settings.questions_per_style)
    return max(1, min(len(STYLES), bound))


def _write_questions(
    chunks: Sequence[Chunk],
    asks: TeacherRequests,
    teacher: JournaledEngine,
    settings: Synthesize,
    seed: int,
    ledger: Ledger,
) -> list[_Question]:
    names, count = list(STYLES), styles_a_chunk(chunks, settings)
    # Where a chunk starts in the styles depends on it alone: amending another one changes nothing for it.
    calls = [
        (chunk, names[(int(chunk.id, 16) + turn) % len(names)]) for turn in range(count) for chunk in chunks
    ]
    completions = teacher.complete(
        [asks.questions(chunk, STYLES[style], settings.questions_per_style, seed) for chunk, style in calls],
        "questions",
    )
    return [
        _Question(chunk, style, text)
        for (chunk, style), completion in zip(calls, completions, strict=True)
        for text in ledger.accept_questions(
            chunk, completion.text, settings.questions_per_style, "question", check_question
        )
    ]
