"""Scores by item and the paired differences from them: those that evaluate finds of systems side by side."""

import json

import numpy as np
import pytest
import sacrebleu

from charter.evaluation.exam_scoring import score_exam
from charter.evaluation.exam_split import Exam
from charter.evaluation.item_scores import exam_scores, text_scores
from charter.evaluation.pairing import paired_difference, scores_by_item
from charter.evaluation.results import Estimate, RefusalDetection
from charter.evaluation.statistics import Resampling
from charter.project.records import Prediction
from charter.project.score_records import ItemScore
from exam_rows import answers_of, decision_of, dilemma_of, pair_of, question_of, unanswerable

QUESTIONS = [question_of(f"q{n}", f"Part {n % 12}") for n in range(48)]
QUESTIONS += [unanswerable(f"u{n}", f"Part {n % 12}") for n in range(6)]
DILEMMAS = [dilemma_of(f"d{n}", f"Part {n % 12}") for n in range(24)]
DILEMMAS += [row for n in range(6) for row in pair_of(f"p{n}", f"Part {n}")]
EXAM = Exam(QUESTIONS, DILEMMAS)


def predictions_of(system: str, words: int) -> list[Prediction]:
    """Answers that are the first words of 24 references about 8 chunks."""
    references = [f"Rule {n} says that the {n} of us must report it within days." for n in range(24)]
    return [
        Prediction(
            id=f"{system} {n}",
            item_id=f"item{n}",
            chunk_id=f"chunk{n // 3}",
            system=system,
            rag=False,
            question="What does it say?",
            reference=reference,
            retrieved=(),
            answer=" ".join(reference.split()[: words + n % 5]),
        )
        for n, reference in enumerate(references)
    ]


def rows_of(metric: str, values: dict[str, float], tokens: tuple[float, ...] = ()) -> dict[str, ItemScore]:
    return {
        item: ItemScore(
            system="dpo", rag=False, metric=metric, item=item, cluster=item, suite="s", row=(value, *tokens)
        )
        for item, value in values.items()
    }


def test_a_pair_of_versions_has_the_difference_that_two_systems_of_one_evaluation_have() -> None:
    answers = answers_of(QUESTIONS, "dpo", wrong={f"q{n}" for n in range(0, 48, 4)})
    answers += answers_of(QUESTIONS, "sft", wrong={f"q{n}" for n in range(0, 48, 3)} | {"u1"})
    decisions = [
        decision_of(row, system, False, margin=margin * (place % every != 0))
        for system, every, margin in (("dpo", 5, 1.0), ("sft", 3, 0.5))
        for place, row in enumerate(DILEMMAS)
    ]
    resampling = Resampling(10_000, 42)
    figures, comparisons = score_exam(answers, decisions, resampling)
    scores = scores_by_item(exam_scores(answers, decisions, EXAM))
    for own, other, metric in (("dpo+rag", "sft+rag", "right_answers"), ("dpo", "sft", "dilemmas")):
        (expected,) = (
            row.difference
            for row in comparisons
            if (row.system, row.against, row.metric) == (own, other, metric)
        )
        found = paired_difference(metric, scores[own, metric], scores[other, metric], None)
        assert (found.value, found.n) == (pytest.approx(expected.value), expected.n)
        # Other draws of as many resamples.
        assert found.low == pytest.approx(expected.low, abs=0.015)
        assert found.high == pytest.approx(expected.high, abs=0.015)
    # Each figure is that of its items.
    for label, metric in scores:
        values = [row.row[0] for row in scores[label, metric].values()]
        assert np.mean(values) == pytest.approx(figures[label][metric].value)
        assert len(values) == figures[label][metric].n
    assert {metric for label, metric in scores if label == "dpo+rag"} == {
        "right_answers",
        "right_facts",
        "unanswerable",
        "exam_f1",
    }
    assert ("dpo", "dilemma_pairs") in scores


def test_bleu_is_that_of_the_corpus_of_shared_items() -> None:
    own, other = predictions_of("dpo", 9), predictions_of("dpo", 6)[6:]
    scores, others = (scores_by_item(text_scores(rows, "eng"))["dpo", "bleu"] for rows in (own, other))
    found = paired_difference("bleu", scores, others, None)
    ours, theirs = (
        sacrebleu.corpus_bleu([row.answer for row in rows], [[row.reference for row in rows]]).score
        for rows in (own[6:], other)
    )
    assert found.value == pytest.approx(ours - theirs)
    assert found.n == 18
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.value < found.high
    same = paired_difference("bleu", scores, scores, None)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_perplexity_is_a_token_s_and_not_a_passage_s() -> None:
    own = rows_of("perplexity", {f"p{n}": -200.0 - n for n in range(10)}, (100.0,))
    own |= rows_of("perplexity", {f"q{n}": -90.0 - n for n in range(10)}, (10.0,))
    other = rows_of("perplexity", {f"p{n}": -210.0 - n for n in range(10)}, (100.0,))
    other |= rows_of("perplexity", {f"q{n}": -90.0 - n for n in range(10)}, (10.0,))
    found = paired_difference("perplexity", own, other, None)
    assert found.value == pytest.approx(np.exp(2990 / 1100) - np.exp(3090 / 1100))


def test_perplexity_of_older_versions_is_the_exponential_of_the_mean() -> None:
    own = rows_of("perplexity", {f"p{n}": -2.0 - n / 10 for n in range(20)})
    other = rows_of("perplexity", {f"p{n}": -2.2 - n / 10 for n in range(20)})
    found = paired_difference("perplexity", own, other, None)
    assert found.value == pytest.approx(np.exp(2.95) - np.exp(3.15))
    assert found.high is not None
    assert found.high < 0


def test_shares_of_prompts_are_corrected_for_the_detector_where_one_tells_them() -> None:
    def perfect(sensitivity: float) -> RefusalDetection:
        share = Estimate(value=sensitivity, low=None, high=None, n=10_000)
        certain = Estimate(value=1.0, low=None, high=None, n=10_000)
        return RefusalDetection(
            labels=20_000,
            sensitivity=share,
            specificity=certain,
            phrases_sensitivity=share,
            phrases_specificity=certain,
        )

    own = {f"p{n}": float(n < 30) for n in range(100)}
    other = {f"p{n}": float(n < 20) for n in range(100)}
    for metric, expected in (("over_refusal", 0.2), ("harmful_compliance", 0.2), ("everyday_facts", 0.1)):
        found = paired_difference(metric, rows_of(metric, own), rows_of(metric, other), perfect(0.5))
        assert found.value == pytest.approx(expected)
        assert found.low is not None
        assert 0 < found.low < found.value


def test_the_rows_hold_no_text() -> None:
    answers = answers_of(QUESTIONS)
    decisions = [decision_of(row) for row in DILEMMAS]
    rows = [*exam_scores(answers, decisions, EXAM), *text_scores(predictions_of("dpo", 5), "eng")]
    names = {"system", "rag", "metric", "item", "cluster", "suite", "row"}
    text = "".join(row.model_dump_json() for row in rows)
    assert all(set(json.loads(row.model_dump_json())) == names for row in rows)
    for word in ("gift", "Part", "days", "supplier", "Report", "Rule"):
        assert word not in text
