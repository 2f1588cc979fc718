"""Systems and judges of which it is known what they are worth, through the whole of scoring."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from charter.evaluation.evaluation_data import EvaluationData
from charter.evaluation.judge import control_contests, judge_contests, win_rate_contests
from charter.evaluation.results import Evaluation
from charter.evaluation.scoring import Rating, score_corpus
from charter.evaluation.statistics import Resampling, holm
from charter.evaluation.win_rate import WIN_RATE, Judge
from charter.generation.engine import Completion, Request
from charter.generation.journal import JournaledEngine
from charter.project.metric_names import METRICS
from charter.project.records import InstructExample, Judgement, Prediction, PreferencePair
from charter.report.table import cell
from rows import chunk_of, prediction_of

WORDS = (
    "the",
    "staff",
    "must",
    "may",
    "never",
    "report",
    "gift",
    "travel",
    "before",
    "after",
    "days",
    "office",
)


def sentence(generator: random.Random, words: int) -> str:
    return " ".join(generator.choices(WORDS, k=words))


def garbled(generator: random.Random, text: str, share: float) -> str:
    """The text with about this share of its words replaced."""
    return " ".join(generator.choice(WORDS) if generator.random() < share else word for word in text.split())


def shared_words(answers: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """Stands for BERTScore: any function of an answer and its reference will do here."""
    pairs = [(set(a.split()), set(r.split())) for a, r in zip(answers, references, strict=True)]
    return np.array([len(a & r) / len(r) for a, r in pairs])


def score(predictions: Sequence[Prediction], judgements: Sequence[Judgement]) -> Evaluation:
    rating = Rating(
        corpus="udhr",
        title="The Declaration",
        language="eng",
        cautions=(),
        settings={},
        lineage={},
        judges={"teacher": Judge("a judge", "f" * 64, is_teacher=False, min_validity=0.7)},
        bert_score=shared_words,
        encoder="shared words",
        resampling=Resampling(200, 1),
    )
    return score_corpus(predictions, judgements, {}, rating)


def test_systems_that_are_alike_are_seldom_told_apart() -> None:
    """Both answer each chunk as well as it lets them: their answers differ, their quality doesn't."""
    found = excluded = 0
    rates = []
    for seed in range(50):
        generator = random.Random(seed)
        predictions, judgements = [], []
        for number in range(30):
            difficulty = generator.random()
            for item in range(generator.randint(1, 2)):
                example = InstructExample(
                    id=f"{number}.{item}",
                    chunk_id=f"c{number}",
                    rule="",
                    style="s",
                    question="q?",
                    answer=sentence(generator, generator.randint(6, 12)),
                )
                predictions += [
                    prediction_of(example, system, rag, garbled(generator, example.answer, difficulty))
                    for system, rag in (("seed", True), ("dpo", False))
                ]
                # A judge with a lean to the first position, and no more reason to prefer one than the other.
                better = generator.random()
                judgements += [
                    Judgement(
                        id=f"{example.id}{swapped}",
                        item_id=example.id,
                        chunk_id=example.chunk_id,
                        comparison=WIN_RATE + "dpo",
                        swapped=swapped,
                        probability_first=0.3 + 0.7 * (1 - better if swapped else better),
                        mass=1.0,
                    )
                    for swapped in (False, True)
                ]
        evaluation = score(predictions, judgements)
        assert [row.metric for row in evaluation.comparisons] == list(METRICS[:-1])
        found += any(p < 0.05 for p in holm([row.p for row in evaluation.comparisons]))
        rate = evaluation.systems["dpo"]["win_rate"]
        rates.append(rate.value)
        excluded += not rate.low <= 0.5 <= rate.high
    assert found <= 4
    assert excluded <= 6  # 2.5 expected
    assert np.mean(rates) == pytest.approx(0.5, abs=0.01)


Verdict = Callable[[str, str, str], float]
"""From passage, first and second answer shown to the probability that the first is better."""


class Judges:
    """An engine that judges as it is told, in the form in which it is asked."""

    def __init__(self, verdict: Verdict):
        self.verdict = verdict

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            passage, asked = request.messages[-1].content.split("Question", 1)
            first = asked.split("Answer A: ")[1].split("\n")[0]
            second = asked.split("Answer B: ")[1].split("\n")[0]
            p = self.verdict(passage, first, second)
            words = (("A", math.log(p)), ("B", math.log(1 - p)))
            yield index, Completion(text="A", tokens=1, alternatives=words)


def _random() -> Verdict:
    generator = random.Random(0)
    return lambda *_: generator.uniform(0.01, 0.99)


def _by(quality: Callable[[str, str], float]) -> Verdict:
    def verdict(passage: str, first: str, second: str) -> float:
        own, other = quality(passage, first), quality(passage, second)
        return 0.5 if own == other else 0.95 if own > other else 0.05

    return verdict


def _in_passage(passage: str, answer: str) -> float:
    return float(answer in passage)


@pytest.mark.parametrize(
    ("verdict", "valid"),
    [
        pytest.param(_by(_in_passage), True, id="knows"),
        pytest.param(_by(lambda _, answer: len(answer)), False, id="longer"),
        pytest.param(_by(lambda _, answer: -len(answer)), False, id="shorter"),
        pytest.param(lambda *_: 0.98, False, id="always-A"),
        pytest.param(lambda *_: 0.5, False, id="undecided"),
        pytest.param(_random(), False, id="random"),
    ],
)
def test_only_a_judge_that_knows_is_valid(verdict: Verdict, valid: bool, tmp_path: Path) -> None:
    """The references are in the order of their lengths, where each but one is longer than the next."""
    generator = random.Random(1)
    examples, pairs, chunks, predictions = [], [], {}, []
    answers = sorted((sentence(generator, words) for words in range(10, 34)), key=len, reverse=True)
    for number, answer in enumerate(answers):
        name = f"c{number}"
        chunks[name] = chunk_of(f"It says: {answer}. {sentence(generator, 10)}.", chunk_id=name)
        example = InstructExample(id=name, chunk_id=name, rule="", style="s", question="q?", answer=answer)
        examples.append(example)
        if number < 4:
            pairs.append(
                PreferencePair(
                    id=name,
                    rule="",
                    chunk_id=name,
                    prompt="May I?",
                    chosen=answer,
                    rejected=sentence(generator, 30),
                )
            )
        predictions += [
            prediction_of(example, "seed", True, sentence(generator, 20)),
            prediction_of(example, "dpo", False, answer),
        ]
    held_out = EvaluationData(chunks, {}, examples, pairs)
    contests = win_rate_contests(predictions, held_out) + control_contests(held_out)
    with JournaledEngine(tmp_path / "journal.sqlite", "judge", lambda: Judges(verdict)) as judge:
        judgements = judge_contests(contests, judge, "the guidelines", "pairwise")
    evaluation = score(predictions, judgements)
    assert evaluation.judge.valid == valid
    assert (cell(evaluation, "dpo", "win_rate") == "invalid") != valid
