"""The judge: a model that sees the chunk and the question, and either two answers or each alone.

Its verdict is the probability of one word or letter against another: as the next token or, of a judge whose
server gives no log-probs, by their shares among its replies.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from charter.evaluation.evaluation_data import EvaluationData
from charter.evaluation.results import OPPONENT
from charter.evaluation.win_rate import IDENTICAL, PREFERENCE, SHUFFLED, WIN_RATE
from charter.generation.engine import Completion, Request, ask_choice
from charter.generation.journal import JournaledEngine
from charter.generation.verdict import choice_probability
from charter.project.metric_names import system_label
from charter.project.model_sections import TEACHER
from charter.project.records import Chunk, Judgement, Prediction, content_id
from charter.project.sections import JudgeMethod
from charter.project.templates import Prompts

_PROMPTS = Prompts("charter.evaluation", "charter.generation")

_Preference = tuple[float | None, float]
"""The probability that the answer shown first is better, if it could be read, and the verdict's mass."""


@dataclass(frozen=True)
class Contest:
    """Two answers to one question, as shown: the system's, the reference or the chosen one is ``first``.

    Where ``swapped`` it is second.
    """

    comparison: str
    item_id: str
    chunk: Chunk
    question: str
    first: str
    second: str
    swapped: bool = False

    def orders(self) -> "tuple[Contest, ...]":
        """The contest as it is and swapped; identical answers have one order."""
        if self.comparison == IDENTICAL:
            return (self,)
        return self, replace(self, first=self.second, second=self.first, swapped=True)


def win_rate_contests(predictions: Iterable[Prediction], judged: EvaluationData) -> list[Contest]:
    """Set every system's answers against OPPONENT's, on the questions that are ``judged``.

    The opponent meets itself too, so the table is whole: its win rate is .5 by the mean of both orders.
    """
    items = {example.id for example in judged.examples}
    answers = [row for row in predictions if row.item_id in items]
    theirs = {row.item_id: row.answer for row in answers if system_label(row.system, row.rag) == OPPONENT}
    return [
        Contest(
            comparison=WIN_RATE + system_label(row.system, row.rag),
            item_id=row.item_id,
            chunk=judged.chunks[row.chunk_id],
            question=row.question,
            first=row.answer,
            second=theirs[row.item_id],
        )
        for row in answers
    ]


def control_contests(judged: EvaluationData) -> list[Contest]:
    """Make contests whose outcome synthesis knows: identical, shuffled, and chosen against rejected.

    They are for a corpus without an exam (`exam_controls`). The shuffled answer is of another chunk.
    """
    chunks, contests, balance = judged.chunks, [], 0
    for number, example in enumerate(judged.examples):
        chunk, question, answer = chunks[example.chunk_id], example.question, example.answer
        contests.append(Contest(IDENTICAL, example.id, chunk, question, answer, answer))
        following = [*judged.examples[number + 1 :], *judged.examples[:number]]
        others = [item.answer for item in following if item.chunk_id != example.chunk_id]
        if others:
            other, balance = take_of_other_length(answer, others, balance)
            contests.append(Contest(SHUFFLED, example.id, chunk, question, answer, other))
    contests += [
        Contest(PREFERENCE, pair.id, chunks[pair.chunk_id], pair.prompt, pair.chosen, pair.rejected)
        for pair in judged.pairs
    ]
    return contests


def take_of_other_length(answer: str, others: Sequence[str], balance: int) -> tuple[str, int]:
    """Take the first that is longer than the answer, or shorter where more were longer so far.

    So a preference for length gains nothing: a judge that has no other is right half the time. ``balance`` is
    how many more were longer, which is returned anew.
    """
    wanted = -1 if balance > 0 else 1
    sides = [int(np.sign(len(other) - len(answer))) for other in others]
    taken = sides.index(wanted) if wanted in sides else 0
    return others[taken], balance + sides[taken]


def judge_requests(contests: Sequence[Contest], title: str, method: JudgeMethod) -> list[Request]:
    """Return what a judge is asked about the contests, by either method."""
    requests = _compare if method == "pairwise" else _rate
    return requests(_shown(contests), title)


def judge_contests(
    contests: Sequence[Contest],
    judge: JournaledEngine,
    title: str,
    method: JudgeMethod,
    name: str = TEACHER,
) -> list[Judgement]:
    """Ask the judge, by either method, and return verdicts in both orders; an identical pair has one.

    ``name`` is what params.yaml calls the judge.
    """
    shown = _shown(contests)
    verdicts = judge.complete(judge_requests(contests, title, method), judge_purpose(name))
    preferences = (_read_letters if method == "pairwise" else _read_odds)(verdicts)
    return [
        Judgement(
            id=content_id(name, contest.comparison, contest.item_id, str(contest.swapped)),
            judge=name,
            item_id=contest.item_id,
            chunk_id=contest.chunk.id,
            comparison=contest.comparison,
            swapped=contest.swapped,
            probability_first=probability,
            mass=mass,
        )
        for contest, (probability, mass) in zip(shown, preferences, strict=True)
    ]


def judge_purpose(name: str) -> str:
    """Return what a judge's requests are counted under."""
    return f"judge {name}"


def _shown(contests: Sequence[Contest]) -> list[Contest]:
    # Contests of a chunk follow each other, so that an engine with prefix caching reads it once.
    orders = (order for contest in contests for order in contest.orders())
    return sorted(orders, key=lambda contest: (contest.chunk.id, contest.question))


def _compare(shown: Sequence[Contest], title: str) -> list[Request]:
    """Show both answers and ask for the better one's letter."""
    return [
        _request("judge_pair", ("A", "B"), contest, title, first=contest.first, second=contest.second)
        for contest in shown
    ]


def _rate(shown: Sequence[Contest], title: str) -> list[Request]:
    """Ask of each answer alone whether it is right; of one that meets others the journal asks once."""
    return [
        _request("judge_answer", ("Yes", "No"), contest, title, answer=answer)
        for contest in shown
        for answer in (contest.first, contest.second)
    ]


def _read_letters(verdicts: Sequence[Completion]) -> list[_Preference]:
    return [choice_probability(verdict, "A", "B") for verdict in verdicts]


def _read_odds(verdicts: Sequence[Completion]) -> list[_Preference]:
    """Return the ratio of the odds of Yes: sigma(l_first - l_second), l the log-odds.

    That is the model of Bradley and Terry (1952). No position can be preferred.
    """
    read = [choice_probability(verdict, "Yes", "No") for verdict in verdicts]
    preferences: list[_Preference] = []
    for (first, first_mass), (second, second_mass) in zip(read[::2], read[1::2], strict=True):
        probability = None
        if first is not None and second is not None:
            log_odds = logit(np.clip([first, second], 1e-9, 1 - 1e-9))
            probability = float(expit(log_odds[0] - log_odds[1]))
        preferences.append((probability, min(first_mass, second_mass)))
    return preferences


def _request(template: str, words: tuple[str, str], contest: Contest, title: str, **answers: str) -> Request:
    user = _PROMPTS.render(
        template,
        title=title,
        topics=contest.chunk.topics,
        passage=contest.chunk.text,
        question=contest.question,
        **answers,
    )
    return ask_choice((("system", _PROMPTS.render("judge_system", title=title)), ("user", user)), words)
