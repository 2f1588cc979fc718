"""The judge: a model that sees the chunk and the question, and either two answers or each alone.

Its verdict is the probability of one word or letter against another: as the next token or, of a judge whose
server gives no log-probs, by their shares among its replies.
"""

from collections.abc import Iterable, Iterator, Sequence
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
    chunks = judged.chunks
    known = []
    for number, row in enumerate(judged.examples):
        following = [*judged.examples[number + 1 :], *judged.examples[:number]]
        others = [other.answer for other in following if other.chunk_id != row.chunk_id]
        known.append(
            (Contest(IDENTICAL, row.id, chunks[row.chunk_id], row.question, row.answer, row.answer), others)
        )
    return [
        *with_shuffled(known),
        *(
            Contest(PREFERENCE, pair.id, chunks[pair.chunk_id], pair.prompt, pair.chosen, pair.rejected)
            for pair in judged.pairs
        ),
    ]


def with_shuffled(known: Iterable[tuple[Contest, Sequence[str]]]) -> Iterator[Contest]:
    """Yield identical contests and, behind each, its answer against one of the wrong ones, if there are any.

    It is the first that is longer, or shorter where more were longer so far. So a preference for length gains
    nothing: a judge that has no other is right half the time.
    """
    balance = 0
    for identical, wrong in known:
        yield identical
        if wrong:
            sides = [int(np.sign(len(other) - len(identical.first))) for other in wrong]
            wanted = -1 if balance > 0 else 1
            taken = sides.index(wanted) if wanted in sides else 0
            balance += sides[taken]
            yield replace(identical, comparison=SHUFFLED, second=wrong[taken])


def judge_requests(contests: Sequence[Contest], title: str, method: JudgeMethod) -> list[Request]:
    """Return what a judge is asked: the better answer's letter, or of each answer alone if it is right."""
    if method == "pairwise":
        return [
            _request("judge_pair", ("A", "B"), contest, title, first=contest.first, second=contest.second)
            for contest in _shown(contests)
        ]
    return [
        # Of an answer that meets others the journal asks once.
        _request("judge_answer", ("Yes", "No"), contest, title, answer=answer)
        for contest in _shown(contests)
        for answer in (contest.first, contest.second)
    ]


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
    verdicts = judge.complete(judge_requests(contests, title, method), judge_purpose(name))
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
        for contest, (probability, mass) in zip(_shown(contests), _preferences(verdicts, method), strict=True)
    ]


def judge_purpose(name: str) -> str:
    """Return what a judge's requests are counted under."""
    return f"judge {name}"


def _shown(contests: Sequence[Contest]) -> list[Contest]:
    # Contests of a chunk follow each other, so that an engine with prefix caching reads it once.
    orders = (order for contest in contests for order in contest.orders())
    return sorted(orders, key=lambda contest: (contest.chunk.id, contest.question))


def _preferences(verdicts: Sequence[Completion], method: JudgeMethod) -> list[_Preference]:
    """Read the letters, or return the ratio of the odds of Yes: sigma(l_first - l_second), l the log-odds.

    The latter is the model of Bradley and Terry (1952). No position can be preferred.
    """
    if method == "pairwise":
        return [choice_probability(verdict, "A", "B") for verdict in verdicts]
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
