import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sacrebleu

from charter.evaluation.exam_scoring import add_exam_scores
from charter.evaluation.results import Comparison, Estimate, Evaluation, load_evaluation
from charter.evaluation.scoring import FAMILY, Rating, correct, score_corpus
from charter.evaluation.statistics import Resampling, clustered_share
from charter.evaluation.win_rate import IDENTICAL, PREFERENCE, SHUFFLED, WIN_RATE, Judge
from charter.project.errors import CharterError
from charter.project.metric_names import METRICS, SYSTEMS, system_label
from charter.project.paths import ProjectPaths
from charter.project.records import Judgement, Passage, Prediction
from charter.project.storage import read_json, write_json, write_rows
from charter.report.table import result_rows
from exam_rows import answer_of, decision_of, pair_of, question_of, unanswerable

RECOMPUTE = Path(__file__).parent.parent.parent / "scripts/recompute_figures.py"

REFERENCES = [
    f"Rule {number} says that the {number} of us must report it within days." for number in range(24)
]


def word_overlap(answers, references):
    """Stands for BERTScore: any function of the texts will do here."""
    pairs = [(set(a.split()), set(r.split())) for a, r in zip(answers, references, strict=True)]
    return np.array([len(a & r) / len(r) for a, r in pairs])


def predictions_of(system: str, rag: bool, words: int) -> list[Prediction]:
    """Answers that are the first words of the reference; the gold chunk is ranked 1, 2, 3, never."""
    rows = []
    for item, reference in enumerate(REFERENCES):
        passages = ["x", "y", "z"]
        if item % 4 < 3:
            passages[item % 4] = f"chunk{item // 3}"
        kept = reference.split()[:words] if item else []
        rows.append(
            Prediction(
                id=f"{system}{rag}{item}",
                item_id=f"item{item:02}",
                chunk_id=f"chunk{item // 3}",
                system=system,
                rag=rag,
                question="What does it say?",
                reference=reference,
                retrieved=tuple(Passage(chunk_id=name, score=0.5) for name in passages) if rag else (),
                answer=" ".join(kept),
            )
        )
    return rows


def verdicts(comparison: str, probability: float) -> list[Judgement]:
    return [
        Judgement(
            id=f"{comparison}{item}{swapped}",
            item_id=f"item{item:02}",
            chunk_id=f"chunk{item // 3}",
            comparison=comparison,
            swapped=swapped,
            probability_first=1 - probability if swapped else probability,
            mass=0.95,
        )
        for item in range(len(REFERENCES))
        for swapped in (False, True)
    ]


def judgements_of(predictions: list[Prediction]) -> list[Judgement]:
    judgements = [
        row
        for name, probability in ((IDENTICAL, 0.5), (SHUFFLED, 0.9), (PREFERENCE, 0.7))
        for row in verdicts(name, probability)
    ]
    for label in {system_label(row.system, row.rag) for row in predictions}:
        judgements += verdicts(WIN_RATE + label, 0.5)
    return judgements


def score(
    predictions: list[Prediction], judgements: list[Judgement] | None = None, language: str = "eng"
) -> Evaluation:
    judgements = judgements_of(predictions) if judgements is None else judgements
    return score_corpus(
        predictions,
        judgements,
        {"dpo": clustered_share([1, 1, 0], ["a", "b", "c"])},
        Rating(
            corpus="udhr",
            title="The Declaration",
            language=language,
            cautions=() if language == "eng" else ("The seed doesn't know it.",),
            settings={"passages": "3"},
            lineage={"document": "d" * 64},
            judges={"teacher": Judge("a judge", "f" * 64, is_teacher=True, min_validity=0.7)},
            bert_score=word_overlap,
            encoder="word overlap",
            resampling=Resampling(300, 1),
        ),
    )


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    words = {"seed": 5, "cft": 5, "sft": 9, "dpo": 9, "teacher": 12}
    rows = [
        row
        for system, rag in SYSTEMS
        for row in predictions_of(system, rag, words.get(system, 3) + bool(rag))
    ]
    np.random.default_rng(0).shuffle(rows)
    return score(rows)


def test_every_system_has_every_metric(evaluation: Evaluation) -> None:
    assert list(evaluation.systems) == [system_label(*system) for system in SYSTEMS]
    for label, figures in evaluation.systems.items():
        assert set(METRICS) <= set(figures)
        assert ("hit@k" in figures) == label.endswith("+rag")
        assert all(figures[metric].n == len(REFERENCES) for metric in METRICS)
        assert all(figures[m].low <= figures[m].value <= figures[m].high for m in METRICS)
    assert len(result_rows(evaluation)) == sum(len(figures) + 1 for figures in evaluation.systems.values())


def test_cut_answers_lose_what_is_longer_than_the_reference() -> None:
    rows = [
        row.model_copy(update={"answer": row.reference + " And so on, and so on."})
        for system, rag in (("sft", False), ("cft", True), ("seed", True))
        for row in predictions_of(system, rag, 9)
    ]
    evaluation = score(rows)

    figures = evaluation.systems["sft"]
    assert figures["bleu"].value < figures["bleu_cut"].value == pytest.approx(100)
    assert figures["rougeL"].value < figures["rougeL_cut"].value == pytest.approx(1)
    cut = {(row.system, row.against) for row in evaluation.comparisons if row.metric == "bleu_cut"}
    assert cut == {("sft", "cft+rag")}


def test_bleu_is_the_corpus_score_with_the_empty_answer_in_it(evaluation: Evaluation) -> None:
    answers = [row.answer for row in predictions_of("sft", False, 9)]
    assert answers[0] == ""
    expected = sacrebleu.corpus_bleu(answers, [REFERENCES]).score
    assert evaluation.systems["sft"]["bleu"].value == pytest.approx(expected)


def test_retrieval_figures_by_hand(evaluation: Evaluation) -> None:
    figures = evaluation.systems["seed+rag"]
    assert figures["hit@1"].value == pytest.approx(1 / 4)
    assert figures["hit@k"].value == pytest.approx(3 / 4)
    assert figures["mrr"].value == pytest.approx((1 + 1 / 2 + 1 / 3 + 0) / 4)


def test_systems_with_equal_answers_do_not_differ(evaluation: Evaluation) -> None:
    rows = [row for row in evaluation.comparisons if (row.system, row.against) == ("dpo", "sft")]
    assert [row.metric for row in rows] == list(METRICS[:-1])
    for row in rows:
        assert (row.difference.value, row.difference.low, row.difference.high) == (0, 0, 0)
        assert (row.ratio.value, row.ratio.low, row.ratio.high) == (1, 1, 1)
        assert (row.p, row.p_holm, row.smallest) == (1, None, None)
    assert evaluation.systems["dpo"]["win_rate"].value == pytest.approx(0.5)


def test_a_better_system_is_told_apart(evaluation: Evaluation) -> None:
    figures = evaluation.systems
    compared = {(row.system, row.against, row.metric): row for row in evaluation.comparisons}
    row = compared["sft", "cft+rag", "rougeL"]
    assert row.difference.value == pytest.approx(
        figures["sft"]["rougeL"].value - figures["cft+rag"]["rougeL"].value
    )
    ratio = figures["sft"]["rougeL"].value / figures["cft+rag"]["rougeL"].value
    assert row.ratio.value == pytest.approx(ratio)
    assert 1 < row.ratio.low < ratio < row.ratio.high
    assert 0 < row.smallest < row.difference.low
    # all eight chunks are better: only 2 of 256 swaps are as extreme
    assert row.p == pytest.approx(2 / 256, abs=0.004)
    assert {key for key, found in compared.items() if found.p_holm is not None} == FAMILY
    assert row.p_holm == pytest.approx(4 * row.p)  # four tests, none with a smaller p
    assert compared["sft", "teacher+rag", "bleu"].difference.high < 0
    assert len(compared) == 15 * 6 + 2 * 2  # of cut answers, over the baseline alone


def test_p_is_corrected_within_the_family_alone() -> None:
    difference = Estimate(value=1.0, low=0.5, high=1.5, n=9)
    tested = [
        Comparison(system="dpo", against="seed", metric=metric, difference=difference, p=p)
        for metric, p in (("a", 0.01), ("b", 0.03))
    ]
    named = correct(tested, {("dpo", "seed", "b"), ("dpo", "seed", "not measured")})
    assert [(row.p, row.p_holm) for row in named] == [(0.01, None), (0.03, 0.03)]
    assert [row.p_holm for row in correct(tested)] == [0.02, 0.03]
    assert all((row.ratio, row.smallest) == (None, None) for row in named)


def test_bleu_goes_by_the_language_of_the_corpus() -> None:
    rows = [
        row.model_copy(update={"reference": "法律之前人人平等。", "answer": "法律之前人人都平等。"})
        for row in predictions_of("dpo", False, 3)
    ]
    found = score([*rows, *predictions_of("seed", True, 3)], language="cmn")
    expected = sacrebleu.corpus_bleu(
        [row.answer for row in rows], [[row.reference for row in rows]], tokenize="zh"
    )
    assert found.systems["dpo"]["bleu"].value == pytest.approx(expected.score)
    assert "tok:zh" in found.settings["bleu"]
    assert (found.language, found.cautions) == ("cmn", ["The seed doesn't know it."])


def test_settings_name_what_figures_depend_on(evaluation: Evaluation) -> None:
    assert evaluation.settings["passages"] == "3"
    assert "version:" in evaluation.settings["bleu"]
    assert evaluation.settings["bertscore"] == "word overlap"
    assert evaluation.systems["dpo"]["adherence"].value == pytest.approx(2 / 3)


def test_results_survive_json(evaluation: Evaluation) -> None:
    text = json.dumps(evaluation.model_dump(), allow_nan=False)
    assert Evaluation.model_validate(json.loads(text)) == evaluation


def test_results_of_another_shape_are_said_to_be_so(evaluation: Evaluation, tmp_path: Path) -> None:
    results = evaluation.model_dump()
    results["comparisons"][0]["ratio"] = 1.5
    write_json(tmp_path / "evaluate.json", results)
    with pytest.raises(CharterError, match=r"comparisons\.0\.ratio: .*; run `dvc repro` again"):
        load_evaluation(tmp_path / "evaluate.json")


def test_figures_follow_from_the_rows(tmp_path: Path) -> None:
    """The script, which knows nothing of Charter, agrees, and sees it where a figure is another."""
    paths = ProjectPaths(tmp_path).corpus("udhr")
    generator = np.random.default_rng(4)
    predictions = [
        row for system, rag in SYSTEMS for row in predictions_of(system, rag, 4 + len(system) + bool(rag))
    ]
    judgements = [
        row.model_copy(update={"probability_first": None if draw < 0.05 else float(draw)})
        for row in judgements_of(predictions)
        for draw in [generator.random()]
    ]
    write_rows(paths.predictions, predictions)
    write_rows(paths.judgements, judgements)
    answers = [
        answer_of(
            row, "dpo", rag, fault=None if generator.random() < 0.4 else "misses a fact", retrieved=shown
        )
        for rag, shown in ((False, ()), (True, (Passage(chunk_id="c", score=0.5),)))
        for number in range(20)
        for row in (
            question_of(
                f"q{number}", f"Part {number % 5}", kind=("fact", "situation", "everyday")[number % 3]
            ),
            unanswerable(f"u{number}", f"Part {number % 5}"),
        )
    ]
    decisions = [
        decision_of(row, margin=float(generator.normal()), with_prior=float(generator.normal()))
        for number in range(8)
        for row in pair_of(f"p{number}", f"Part {number % 4}")
    ]
    write_rows(paths.exam_answers, answers)
    write_rows(paths.exam_decisions, decisions)
    scored = score(predictions, judgements=judgements)
    scored = add_exam_scores(scored, answers, decisions, Resampling(200, 42))
    write_json(paths.metrics("evaluate"), scored.model_dump())
    command = [sys.executable, str(RECOMPUTE)]
    agreed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert agreed.stdout.startswith("udhr: 426 of 426 figures agree")
    assert agreed.returncode == 0
    changed = read_json(paths.metrics("evaluate"))
    changed["systems"]["dpo"]["rougeL"]["value"] += 0.001
    changed["comparisons"][0]["ratio"]["value"] += 0.01
    changed["win_rates"]["sft"]["ties"] += 1
    changed["systems"]["dpo"]["dilemma_pairs"]["value"] += 0.1
    changed["judge"]["shuffled"]["value"] -= 0.01
    write_json(paths.metrics("evaluate"), changed)
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "udhr: 421 of 426 figures agree" in found.stdout
    for name in (
        "systems/dpo/rougeL",
        "dpo/seed/bleu/ratio",
        "dpo/dilemma_pairs",
        "win_rates/sft/ties",
        "judge/shuffled",
    ):
        assert name in found.stdout


def test_figures_of_nothing_are_not_said_to_agree(tmp_path: Path) -> None:
    command = [sys.executable, str(RECOMPUTE), "udhr"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (2, "")
    assert "evaluated here: nothing; run `dvc repro`" in found.stderr


def test_a_win_rate_has_the_lengths_of_both(evaluation: Evaluation) -> None:
    detail = evaluation.win_rates["sft"]
    assert detail.mean_length == pytest.approx(evaluation.systems["sft"]["length"].value)
    assert detail.opponent_mean_length == pytest.approx(evaluation.systems["seed+rag"]["length"].value)
    assert detail.mean_length > detail.opponent_mean_length


def test_a_missing_answer_is_refused() -> None:
    rows = predictions_of("seed", False, 5) + predictions_of("sft", False, 5)[1:]
    with pytest.raises(CharterError, match="predictions of sft: 23 answers"):
        score(rows)


def test_no_predictions_are_refused() -> None:
    with pytest.raises(CharterError, match="no predictions"):
        score([])
