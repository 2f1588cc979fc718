"""arm: a training that differs in one thing, compared with the main one on what evaluate asked."""

from typing import Any

from charter.evaluation.answer_language import language_of_answers
from charter.evaluation.arm_results import ArmEvaluation
from charter.evaluation.arms import Sat, measure_sat, sit
from charter.evaluation.exam import has_exam
from charter.evaluation.grouping import grouped
from charter.evaluation.local_system import local_system
from charter.evaluation.probe_prompts import read_probes
from charter.evaluation.results import load_evaluation
from charter.evaluation.sealed_exam import sealed_examination
from charter.evaluation.statistics import Resampling
from charter.project.devices import resolve_device
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.project.params import Params
from charter.project.paths import ArmPaths
from charter.project.records import Chunk, PreferencePair, ProbeAnswer
from charter.project.storage import read_rows
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import load_index
from charter.training.answers import read_sft_rows, train_sft
from charter.training.arms import arm_pairs, arm_params, arm_rows
from charter.training.launch import launch
from charter.training.preference import train_on_preferences


def run(params: Params, paths: ArmPaths) -> dict[str, Any]:
    """Write the arm's adapters and curves; return an ArmEvaluation as plain values."""
    arm = params.arms[paths.arm_name]
    _train(arm_params(arm, params), paths)

    encoder = Encoder(paths.encoder, resolve_device(params.compute))
    index = load_index(paths.index, encoder, params.retrieval)
    chunks = read_rows(paths.chunks, Chunk)
    language = language_of_answers(chunks)
    exam = sealed_examination(params, paths, chunks, index, encoder, language) if has_exam(paths) else None
    probes = read_probes(params, paths, encoder)
    own = sit({name: local_system(name, params, paths) for name in arm.stages}, exam, probes, paths.journal)
    resampling = Resampling(params.evaluate.bootstrap_samples, params.seed)
    figures, compared = measure_sat(own, _read_main(paths), probes, resampling)
    return ArmEvaluation(
        arm=paths.arm_name,
        trained=arm,
        systems=figures,
        comparisons=compared,
        evaluation=load_evaluation(paths.metrics("evaluate")).identity,
    ).model_dump()


def _train(params: Params, paths: ArmPaths) -> None:
    """Train what the arm has of its own."""
    arm = params.arms[paths.arm_name]
    if "sft" in arm.stages:
        rows = arm_rows(arm, read_sft_rows(paths), params.seed)
        train_sft(rows, params, paths)
    if "dpo" in arm.stages:
        train, validation = (
            read_rows(paths.preference(split), PreferencePair) for split in ("train", "validation")
        )
        pairs = arm_pairs(arm, train, params.seed)
        launch(params.compute.processes, train_on_preferences, pairs, validation, params, paths)


def _read_main(paths: ArmPaths) -> Sat:
    """Read what evaluate wrote down of the main models."""
    return Sat(
        read_rows(paths.exam_answers, ExamAnswer),
        read_rows(paths.exam_decisions, ExamDecision),
        grouped(read_rows(paths.probe_answers, ProbeAnswer), lambda row: row.system),
    )
