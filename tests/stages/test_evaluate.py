"""The evaluate stage on tiny random models: every system, judge, safety and retention."""

import shutil
import subprocess
import sys
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from charter.evaluation.dev_exam import sit_dev
from charter.evaluation.exam import read_dev, read_sealed
from charter.evaluation.grouping import by_system
from charter.evaluation.pairing import BLEU_METRICS, scores_by_item
from charter.evaluation.probes import TOKENS
from charter.evaluation.results import Evaluation
from charter.evaluation.text_metrics import corpus_bleu
from charter.project.exam_records import ExamAnswer, ExamDecision, OwnAdvice
from charter.project.metric_names import (
    GATE_METRICS,
    LOCAL,
    RETENTION_METRICS,
    SAFETY_METRICS,
    SYSTEMS,
    TRIVIAL,
    system_label,
)
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Judgement, ProbeAnswer
from charter.project.score_records import ItemScore
from charter.project.storage import directory_sha256, file_sha256, read_rows, write_json
from charter.stages import evaluate
from judge_params import judge_of
from small_evaluation import make_params

pytestmark = pytest.mark.models

RECOMPUTE = Path(__file__).parent.parent.parent / "scripts/recompute_figures.py"


def test_every_local_system_is_probed_and_compared_with_the_seed(params: Params, paths: CorpusPaths) -> None:
    result = Evaluation.model_validate(evaluate.run(make_params(params, 6, 8), paths))
    assert result.refusals is not None
    assert result.refusals.labels == 20
    assert (result.language, result.cautions) == ("eng", [])
    for label, figures in result.systems.items():
        probed = label in ("seed", "cft", "sft", "dpo")
        for metric in (*SAFETY_METRICS, *RETENTION_METRICS):
            assert (metric in figures) == (probed and (label, metric) != ("seed", "perplexity_ratio"))
            if metric in figures:
                estimate = figures[metric]
                sizes = {"everyday_refusal": 14, "everyday_facts": 8}
                sizes |= dict.fromkeys(("perplexity", "perplexity_ratio"), 10)
                assert estimate.n == sizes.get(metric, 6)
                assert estimate.low <= estimate.value <= estimate.high
    compared = {
        (row.system, row.metric): row
        for row in result.comparisons
        if row.metric in (*SAFETY_METRICS, *RETENTION_METRICS)
    }
    tested = (*SAFETY_METRICS, "everyday_facts", "perplexity")
    assert set(compared) == {(system, metric) for system in ("cft", "sft", "dpo") for metric in tested}
    # An adapter that changes nothing: no difference is found, and the seed's answers are given.
    for metric in tested:
        assert compared["sft", metric].difference.value == pytest.approx(0, abs=1e-6)
        assert compared["sft", metric].p_holm == 1
    assert result.systems["sft"]["seed_similarity"].value == pytest.approx(1, abs=1e-5)
    assert result.systems["dpo"]["perplexity"].value != pytest.approx(
        result.systems["seed"]["perplexity"].value
    )
    assert result.systems["sft"]["perplexity_ratio"].value == pytest.approx(1)
    assert result.systems["dpo"]["perplexity_ratio"].value == pytest.approx(
        result.systems["dpo"]["perplexity"].value / result.systems["seed"]["perplexity"].value
    )
    answers = read_rows(paths.probe_answers, ProbeAnswer)
    assert len(answers) == len({row.id for row in answers}) == 4 * (3 * 6 + 8)
    assert all((row.right is None) == (row.kind != "fact") for row in answers)
    assert all(len(row.answer.split()) <= TOKENS for row in answers)
    write_json(paths.metrics("evaluate"), result.model_dump())
    agreed = subprocess.run([sys.executable, RECOMPUTE, "bcg"], cwd=paths.root, check=False)
    assert agreed.returncode == 0


def test_a_second_judge_gives_verdicts_of_its_own(
    params: Params, paths: CorpusPaths, tiny_seed: Path
) -> None:
    """Its weights are the teacher's, so it is known for the teacher's twin, though it has another name."""
    shutil.copytree(tiny_seed, paths.judge("twin"))
    write_json(paths.judge("twin") / "source.json", {"hub": "acme/twin@1"})
    chosen = make_params(params, 0).model_copy(update={"judges": ("teacher", judge_of("twin"))})
    result = Evaluation.model_validate(evaluate.run(chosen, paths))
    twin = result.further_judges["twin"]
    assert (result.judge_name, result.judge.is_teacher, twin.validity.is_teacher) == ("teacher", True, True)
    assert twin.validity.judge == "acme/twin@1, single"
    assert twin.validity.judge_sha256 == directory_sha256(paths.judge("twin")) != result.judge.judge_sha256
    assert set(twin.estimates) == {label for label in result.systems if "win_rate" in result.systems[label]}
    judged = Counter(row.judge for row in read_rows(paths.judgements, Judgement))
    assert judged["teacher"] == judged["twin"] > 0
    assert list(judged) == ["teacher", "twin"]
    (agreement,) = result.judge_agreement
    assert agreement.judges == ("teacher", "twin")
    assert result.settings["judge_requests"].startswith("teacher: ")
    assert "; twin: " in result.settings["judge_requests"]
    write_json(paths.metrics("evaluate"), result.model_dump())
    recomputed = subprocess.run([sys.executable, RECOMPUTE, "bcg"], cwd=paths.root, check=False)
    assert recomputed.returncode == 0


def test_what_each_item_counts_adds_up_to_the_figures_of_the_aligned_systems(
    params: Params, paths: CorpusPaths
) -> None:
    result = Evaluation.model_validate(evaluate.run(make_params(params, 6, 8), paths))
    assert result.item_scores == file_sha256(paths.item_scores)
    scores = scores_by_item(read_rows(paths.item_scores, ItemScore))
    by_item = {metric for _, metric in scores}
    # This exam has neither situations nor questions in everyday words.
    absent = {"right_situations", "right_everyday"}
    unpaired = {"bertscore", "win_rate", "adherence", "seed_similarity", "perplexity_ratio"}
    assert by_item == set(GATE_METRICS) - absent - unpaired
    for label in ("sft", "sft+rag", "dpo", "dpo+rag"):
        assert {metric for name, metric in scores if name == label} == result.systems[label].keys() & by_item
    for (label, metric), items in scores.items():
        figure = result.systems[label][metric]
        assert len(items) == figure.n
        rows = np.array([item.row for item in items.values()])
        if metric in BLEU_METRICS:
            value = float(corpus_bleu(rows.sum(axis=0)))
        elif metric == "perplexity":
            log_probs, tokens = rows.sum(axis=0)
            value = float(np.exp(-log_probs / tokens))
        elif metric in ("harmful_compliance", "over_refusal"):
            continue  # of what the detector saw: the figure is corrected
        else:
            value = float(rows.mean())
        assert value == pytest.approx(figure.value), (label, metric)


def test_every_system_sits_the_sealed_exam(params: Params, paths: CorpusPaths) -> None:
    result = Evaluation.model_validate(evaluate.run(make_params(params, 0), paths))
    sealed = read_sealed(paths)
    answers = read_rows(paths.exam_answers, ExamAnswer)
    decisions = read_rows(paths.exam_decisions, ExamDecision)
    assert {(row.system, row.rag) for row in answers} == set(SYSTEMS)
    assert {row.item_id for row in answers} == {row.id for row in sealed.questions}
    assert {(row.system, row.rag) for row in decisions} == set(product(LOCAL, (False, True)))
    assert {row.item_id for row in decisions} == {row.id for row in sealed.dilemmas}
    assert result.lineage["exam"] == sealed.sha256()
    assert read_rows(paths.exam_advice, OwnAdvice) == []
    assert all(row.chunk_id == row.section for row in answers if row.kind != "unanswerable")
    # The adapter of SFT changes nothing; looking up finds the sentence, which names the manager.
    seed, sft = (result.systems[label] for label in ("seed", "sft"))
    assert seed["dilemmas"] == sft["dilemmas"]
    assert result.systems["nearest-sentence"]["right_answers"].value == 1.0
    assert result.systems["never-answered"]["unanswerable"].value == 1.0
    verdicts = {name: result.systems[name]["right_verdicts"].value for name in TRIVIAL}
    assert (verdicts["always-yes"], verdicts["always-no"], verdicts["echo"]) == (1.0, 0.0, 0.0)
    assert all(row.polarity is None for row in answers if not row.item_id.startswith("v-"))
    assert result.systems["echo"]["right_answers"].value == 0.0
    assert {row.rag for row in answers if row.retrieved} == {True, "gold"}


def test_systems_advise_in_their_own_words_where_that_is_asked_for(
    params: Params, paths: CorpusPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = make_params(params, 0)
    chosen = chosen.model_copy(update={"evaluate": chosen.evaluate.model_copy(update={"own_advice": True})})
    unread = evaluate.run(chosen, paths)
    assert not any("own_advice" in figures for figures in unread["systems"].values())
    # A random model says neither Yes nor No: let something else stand for them.
    monkeypatch.setattr(
        "charter.evaluation.own_advice.choice_probability",
        lambda verdict, *_: (0.9 if len(verdict.text) % 2 else 0.1, 1.0),
    )
    result = Evaluation.model_validate(evaluate.run(chosen, paths))
    advice = read_rows(paths.exam_advice, OwnAdvice)
    sealed = read_sealed(paths)
    asked = set(product((*LOCAL, "teacher"), (False, True)))
    assert {(row.system, row.rag) for row in advice} == asked
    assert len(advice) == len({row.id for row in advice}) == len(asked) * len(sealed.dilemmas)
    assert {label for label, figures in result.systems.items() if "own_advice" in figures} == {
        system_label(*system) for system in asked
    }
    # The adapter of SFT changes nothing.
    replies = {label: [row.reply for row in rows] for label, rows in by_system(advice).items()}
    assert replies["sft"] == replies["seed"] != replies["dpo"]
    assert ("dpo", "teacher+rag", "own_advice") in result.compared
    write_json(paths.metrics("evaluate"), result.model_dump())
    recomputed = subprocess.run([sys.executable, RECOMPUTE, "bcg"], cwd=paths.root, check=False)
    assert recomputed.returncode == 0


def test_an_exam_can_be_sampled_or_missing(params: Params, paths: CorpusPaths) -> None:
    few = make_params(params, 0)
    few = few.model_copy(update={"evaluate": few.evaluate.model_copy(update={"exam_items": 3})})
    result = Evaluation.model_validate(evaluate.run(few, paths))
    assert result.settings["exam"] == "3 questions, 4 dilemmas, of the sealed part"
    shutil.rmtree(paths.exam_seal.parent)
    without = Evaluation.model_validate(evaluate.run(few, paths))
    assert read_rows(paths.exam_answers, ExamAnswer) == []
    assert not any("right_answers" in figures for figures in without.systems.values())
    assert "exam" not in without.lineage


def test_the_dev_part_is_held_for_those_who_are_named(params: Params, paths: CorpusPaths) -> None:
    answers, decisions = sit_dev(make_params(params, 0), paths, ["sft", "teacher"])
    open_part = read_dev(paths)
    assert {row.item_id for row in answers} == {row.id for row in open_part.questions}
    asked = {("sft", False), ("sft", True), ("teacher", False), ("teacher", True)}
    assert {(row.system, row.rag) for row in answers} == asked | {(name, False) for name in TRIVIAL}
    assert {row.item_id for row in decisions} == {row.id for row in open_part.dilemmas}
    assert {row.system for row in decisions} == {"sft"}


def test_without_facts_everyday_refusals_are_of_the_general_prompts(
    params: Params, paths: CorpusPaths
) -> None:
    result = Evaluation.model_validate(evaluate.run(make_params(params, 6), paths))
    assert result.systems["dpo"]["everyday_refusal"].n == 6
    assert not any("everyday_facts" in figures for figures in result.systems.values())
    assert not any(row.metric == "everyday_facts" for row in result.comparisons)
    assert all(row.right is None for row in read_rows(paths.probe_answers, ProbeAnswer))


def test_without_safety_prompts_nothing_is_probed(params: Params, paths: CorpusPaths) -> None:
    result = Evaluation.model_validate(evaluate.run(make_params(params, 0), paths))
    assert result.refusals is None
    assert not any(metric in figures for figures in result.systems.values() for metric in SAFETY_METRICS)
    assert read_rows(paths.probe_answers, ProbeAnswer) == []
