"""Instruct data: sampled questions, greedy answers, and what the chunk doesn't support refused."""

from collections.abc import Sequence
from dataclasses import replace

from charter.documents.segmentation import split_sentences
from charter.project.records import Chunk, InstructExample
from charter.project.sections import Synthesize
from charter.synthesis.decisions import Decision, decide_support
from charter.synthesis.filters import (
    answer_word,
    check_answer,
    check_grounding,
    check_numbers,
    check_time,
    without_citation,
)
from charter.synthesis.ledger import Draft, Ledger
from charter.synthesis.synthesis_context import SynthesisContext
from charter.synthesis.word_weights import WordWeights

STYLES = {
    "content": "ask what it says: who has which right or duty, with which limits.",
    "permission": "ask whether something is allowed, required or forbidden in a practical situation.",
    "term": "ask for one right, duty, limit or term that it names, in the words of a person who looks it up.",
}
"""Question styles, each completing "Write N different questions that"; one call a style and chunk.

None asks why a rule matters, or when and where it holds: rules seldom say, and a small teacher makes it up.
"""


def write_instruct_data(context: SynthesisContext) -> Ledger[InstructExample]:
    """Ask the teacher for questions about each chunk in each style, and for their answers.

    Filters, in order: form of a ``question``, its ``subject``, to which few other chunks are nearer;
    ``duplicate``; form, numbers and words of an ``answer``; and ``support`` by the chunk (`decide_support`).
    """
    calls = plan_calls(context.chunks, context.settings)
    count, requests = context.settings.questions_per_style, context.requests
    ledger = Ledger[InstructExample]("instruct", context)
    asked = [requests.questions(call.chunk, STYLES[call.style], count, context.seed) for call in calls]
    drafts = ledger.ask_questions("questions", calls, asked, count)
    drafts = ledger.keep_unique(ledger.keep_on_topic(drafts, [chunk.text for chunk in context.chunks]))
    completions = context.teacher.complete(
        [requests.answer(draft.chunk, draft.question) for draft in drafts], "answers"
    )
    drafts = [
        replace(draft, answer=without_citation(completion.text.strip()))
        for draft, completion in zip(drafts, completions, strict=True)
    ]
    weights = WordWeights([sentence for chunk in context.chunks for sentence in split_sentences(chunk.text)])
    drafts = ledger.keep(drafts, "answer", [_check_answer(draft, weights) for draft in drafts])
    decisions = check_support(drafts, context)
    drafts = ledger.keep(drafts, "support", [item.problem("support {:.2f}") for item in decisions])
    ledger.kept = [draft.to_example() for draft in drafts]
    return ledger


def check_support(drafts: Sequence[Draft], context: SynthesisContext) -> list[Decision]:
    """Decide for each draft whether its chunk supports its answer."""
    requests, teacher = context.requests, context.teacher
    truths = teacher.complete(
        [requests.support(draft.chunk, draft.answer) for draft in drafts], "support of answers"
    )
    with_word = [draft for draft in drafts if answer_word(draft.answer)]
    again = [requests.verdict(draft.chunk, draft.question) for draft in with_word]
    words = dict(zip(with_word, teacher.complete(again, "yes or no again"), strict=True))
    return [
        decide_support(truth, words.get(draft), draft.answer, context.settings.min_support)
        for draft, truth in zip(drafts, truths, strict=True)
    ]


def plan_calls(chunks: Sequence[Chunk], settings: Synthesize) -> list[Draft]:
    """Return the calls for questions, each a draft without one: fewer styles, but one, of a long document.

    Where a chunk starts in the styles depends on it alone: amending another one changes nothing for it.
    """
    names = list(STYLES)
    bound = settings.max_questions // (len(chunks) * settings.questions_per_style)
    return [
        Draft(chunk, style=names[(int(chunk.id, 16) + turn) % len(names)])
        for turn in range(max(1, min(len(names), bound)))
        for chunk in chunks
    ]


def _check_answer(draft: Draft, weights: WordWeights) -> str | None:
    return (
        check_answer(draft.answer)
        or check_time(draft.question, draft.answer)
        or check_numbers(draft.answer, draft.chunk.text, draft.question)
        or check_grounding(draft.answer, draft.chunk.text, weights)
    )
