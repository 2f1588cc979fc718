"""The pairwise judge: sees the chunk, the question and two answers, in both orders.

Its verdict is the probability of the letters A and B as the next token, never a parsed text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from charter.evaluation.win_rate import IDENTICAL, PREFERENCE, SHUFFLED, WIN_RATE
from charter.generation.engine import Request, ask_choice
from charter.generation.journal import JournaledEngine
from charter.generation.verdict import choice_probability
from charter.prompts import render
from charter.records import Chunk, InstructExample, Judgement, Prediction, PreferencePair, content_id
from charter.results import system_label


@dataclass(frozen=True)
class Contest:
    """Two answers to one question; ``first`` is the system's, the reference or the chosen one."""

    comparison: str
    item_id: str
    chunk: Chunk
    question: str
    first: str
    second: str


def win_rate_contests(
    predictions: Iterable[Prediction], opponent: str, chunks: Mapping[str, Chunk], items: set[str]
) -> list[Contest]:
    """Set every system's answers against the opponent's (a label), on the chosen items.

    The opponent meets itself too, so the table is whole: its win rate is .5 by the mean of both orders.
    """
    judged = [row for row in predictions if row.item_id in items]
    theirs = {row.item_id: row.answer for row in judged if system_label(row.system, row.rag) == opponent}
    return [
        Contest(
            comparison=WIN_RATE + system_label(row.system, row.rag),
            item_id=row.item_id,
            chunk=chunks[row.chunk_id],
            question=row.question,
            first=row.answer,
            second=theirs[row.item_id],
        )
        for row in judged
    ]


def control_contests(
    examples: Sequence[InstructExample], pairs: Sequence[PreferencePair], chunks: Mapping[str, Chunk]
) -> list[Contest]:
    """Make the contests whose outcome is known: identical, shuffled, and chosen against rejected.

    The shuffled answer is the next example's that is of another chunk, so every answer serves once.
    """
    contests = []
    for number, example in enumerate(examples):
        chunk = chunks[example.chunk_id]
        contests.append(
            Contest(IDENTICAL, example.id, chunk, example.question, example.answer, example.answer)
        )
        following = [*examples[number + 1 :], *examples[:number]]
        other = next((item for item in following if item.chunk_id != example.chunk_id), None)
        if other is not None:
            contests.append(
                Contest(SHUFFLED, example.id, chunk, example.question, example.answer, other.answer)
            )
    contests += [
        Contest(PREFERENCE, pair.id, chunks[pair.chunk_id], pair.prompt, pair.chosen, pair.rejected)
        for pair in pairs
    ]
    return contests


def judge_contests(contests: Sequence[Contest], judge: JournaledEngine, title: str) -> list[Judgement]:
    """Ask the judge about every contest in both orders; an identical pair needs one."""
    orders = [
        (contest, swapped)
        for contest in contests
        for swapped in ((False,) if contest.comparison == IDENTICAL else (False, True))
    ]
    # Contests of a chunk follow each other, so that an engine with prefix caching reads it once.
    orders.sort(key=lambda order: (order[0].chunk.id, order[0].question))
    verdicts = judge.complete([_request(*order, title) for order in orders], "judge")
    judgements = []
    for (contest, swapped), verdict in zip(orders, verdicts, strict=True):
        probability, mass = choice_probability(verdict, "A", "B")
        judgements.append(
            Judgement(
                id=content_id(contest.comparison, contest.item_id, str(swapped)),
                item_id=contest.item_id,
                chunk_id=contest.chunk.id,
                comparison=contest.comparison,
                swapped=swapped,
                probability_first=probability,
                mass=mass,
            )
        )
    return judgements


def _request(contest: Contest, swapped: bool, title: str) -> Request:
    first, second = (contest.second, contest.first) if swapped else (contest.first, contest.second)
    user = render(
        "judge",
        title=title,
        headings=" > ".join(contest.chunk.headings),
        passage=contest.chunk.text,
        question=contest.question,
        first=first,
        second=second,
    )
    return ask_choice((("system", render("judge_system", title=title)), ("user", user)))
