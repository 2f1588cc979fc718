"""What votes say: how often each system won, and which of two answers is to be preferred."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from charter.evaluation.results import Estimate
from charter.evaluation.statistics import clustered_share
from charter.project.metric_names import system_label
from charter.project.records import PreferencePair, content_id
from charter.project.vote_records import Vote


@dataclass(frozen=True)
class _Duel:
    """Two answers of one vote; ``score`` is 1 where the first is the better, 0 the other, 1/2 neither."""

    question: str
    systems: tuple[str, str]
    score: float


@dataclass(frozen=True)
class Standing:
    """A system against another, or against all (``against`` None): how often, and the win rate.

    The win rate counts ties half. Its interval is Wilson's, questions being what was sampled
    (`charter.evaluation.statistics.clustered_share`).
    """

    system: str
    against: str | None
    won: int
    tied: int
    lost: int
    rate: Estimate


def count_votes(votes: Sequence[Vote]) -> list[Standing]:
    """Return how each system did against all, then each two against each other, by their labels.

    A vote for one of several answers says that it is better than each of the others, and nothing of the
    others. Answers of the same words are a tie.
    """
    duels = [duel for vote in votes for duel in _duels(vote)]
    labels = sorted({label for duel in duels for label in duel.systems})
    pairs: list[tuple[str, str | None]] = [(label, None) for label in labels]
    pairs += combinations(labels, 2)
    standings = [_standing(duels, system, against) for system, against in pairs]
    return [standing for standing in standings if standing.rate.n]


def preferred_pairs(votes: Sequence[Vote]) -> list[PreferencePair]:
    """Return what the voters preferred as rows of preference data.

    Where they disagree on two answers to a question, the majority decides; where it is even there is no row.
    An answer that is empty or cut off is never the chosen one, since its end would be learnt.
    """
    sides: Counter[tuple[str, str, str]] = Counter()
    rows: dict[tuple[str, str, str], PreferencePair] = {}
    for vote in votes:
        if vote.best is None:
            continue
        best = vote.answers[vote.best]
        for rejected in dict.fromkeys(answer.text for answer in vote.answers if answer.text != best.text):
            side = (vote.question, best.text, rejected)
            sides[side] += 1
            if best.whole and best.text:
                rows[side] = PreferencePair(
                    id=content_id(vote.chunk_id, *side),
                    chunk_id=vote.chunk_id,
                    rule=vote.rule,
                    prompt=vote.question,
                    chosen=best.text,
                    rejected=rejected,
                )
    return [
        row
        for (question, chosen, rejected), row in rows.items()
        if sides[question, chosen, rejected] > sides[question, rejected, chosen]
    ]


def _duels(vote: Vote) -> list[_Duel]:
    question = " ".join(vote.question.casefold().split())
    duels = []
    for pair in combinations(range(len(vote.answers)), 2):
        if vote.best is not None and vote.best not in pair:
            continue
        first, second = (vote.answers[place] for place in pair)
        same = vote.best is None or first.text == second.text
        score = 0.5 if same else float(pair[0] == vote.best)
        labels = (system_label(first.system, first.rag), system_label(second.system, second.rag))
        duels.append(_Duel(question, labels, score))
    return duels


def _standing(duels: Sequence[_Duel], system: str, against: str | None) -> Standing:
    sides = [(duel.question, *duel.systems, duel.score) for duel in duels]
    sides += [(question, other, own, 1 - score) for question, own, other, score in sides]
    taken = [side for side in sides if side[1] == system and against in (None, side[2])]
    scores = [score for *_, score in taken]
    rate = clustered_share(scores, [question for question, *_ in taken])
    return Standing(system, against, scores.count(1.0), scores.count(0.5), scores.count(0.0), rate)
