"""Instruct data: sampled questions, greedy answers, and what the chunk doesn't support refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from charter.documents.segmentation import split_sentences
from charter.generation.journal import JournaledEngine
from charter.project.params import Synthesize
from charter.project.records import Chunk, InstructExample, Rejected, content_id
from charter.retrieval.encoder import Encoder
from charter.synthesis.decisions import Decision, decide_support
from charter.synthesis.filters import (
    answer_word,
    check_answer,
    check_grounding,
    check_numbers,
    check_question,
    check_time,
    without_citation,
)
from charter.synthesis.ledger import Ledger
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.word_weights import WordWeights

STYLES = {
    "content": "ask what it says: who has which right or duty, with which limits.",
    "permission": "ask whether something is allowed, required or forbidden in a practical situation.",
    "term": "ask for one right, duty, limit or term that it names, in the words of a person who looks it up.",
}
"""Question styles, each completing "Write N different questions that"; one call a style and chunk.

None asks why a rule matters, or when and where it holds: rules seldom say, and a small teacher makes it up.
"""


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

    Filters, in order: form of a ``question``, its ``subject``, to which few other chunks are nearer;
    ``duplicate``; form, numbers and words of an ``answer``; and ``support`` by the chunk (`decide_support`).
    """
    ledger = Ledger("instruct")
    questions = _write_questions(chunks, asks, teacher, settings, seed, ledger)
    questions = ledger.on_subject(questions, [question.text for question in questions], chunks, encoder)
    questions = ledger.without_duplicates(
        questions, [question.text for question in questions], encoder, settings.max_question_similarity
    )
    answers = teacher.complete(
        [asks.answer(question.chunk, question.text) for question in questions], "answers"
    )
    weights = WordWeights([sentence for chunk in chunks for sentence in split_sentences(chunk.text)])
    answered = []
    for question, completion in zip(questions, answers, strict=True):
        answer = without_citation(completion.text.strip())
        problem = (
            check_answer(answer)
            or check_time(question.text, answer)
            or check_numbers(answer, question.chunk.text, question.text)
            or check_grounding(answer, question.chunk.text, weights)
        )
        if problem:
            ledger.refuse(question.chunk, "answer", problem, question.text, answer)
        else:
            answered.append((question, answer))
    decisions = check_support(
        [(question.chunk, question.text, answer) for question, answer in answered],
        asks,
        teacher,
        settings.min_support,
    )
    examples = []
    for (question, answer), decision in zip(answered, decisions, strict=True):
        if not decision.kept:
            reason = "no verdict" if decision.score is None else f"support {decision.score:.2f}"
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


def check_support(
    answers: Sequence[tuple[Chunk, str, str]], asks: TeacherRequests, teacher: JournaledEngine, least: float
) -> list[Decision]:
    """Decide for each (chunk, question, answer) whether the chunk supports the answer by ``least``."""
    truths = teacher.complete(
        [asks.support(chunk, answer) for chunk, _, answer in answers], "support of answers"
    )
    with_word = [index for index, (_, _, answer) in enumerate(answers) if answer_word(answer)]
    again = [asks.verdict(answers[index][0], answers[index][1]) for index in with_word]
    words = dict(zip(with_word, teacher.complete(again, "yes or no again"), strict=True))
    return [
        decide_support(truth, words.get(index), answer, least)
        for index, ((_, _, answer), truth) in enumerate(zip(answers, truths, strict=True))
    ]


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
