"""evaluate: the answers of every system to held-out questions, judged, measured and compared."""

import csv
from pathlib import Path
from typing import Any

from charter.evaluation.bertscore import BertScore
from charter.evaluation.evaluation_data import EvaluationData, predict
from charter.evaluation.judge import control_contests, judge_contests, win_rate_contests
from charter.evaluation.local_system import LocalSystem
from charter.evaluation.probes import Probes, add_probe_scores
from charter.evaluation.results import Estimate, Evaluation
from charter.evaluation.scoring import Outcomes, Rating, score_corpus
from charter.evaluation.statistics import Resampling
from charter.evaluation.win_rate import Judge
from charter.generation.teacher import name_teacher, open_teacher
from charter.project.devices import resolve_device
from charter.project.errors import CharterError
from charter.project.metric_names import METRICS, SYSTEMS, system_label
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import (
    Chunk,
    GeneralPrompt,
    InstructExample,
    LabelledResponse,
    Prediction,
    PreferencePair,
    ProbePrompt,
    Rag,
    System,
    take_evenly,
)
from charter.project.storage import atomic_path, directory_sha256, file_sha256, read_rows, write_rows
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import load_index
from charter.synthesis.refusal import RefusalDetector

LOCAL: tuple[System, ...] = ("seed", "cft", "sft", "dpo")
"""The systems that run here; the teacher runs in its engine."""

_RAGS: tuple[Rag, ...] = (False, True, "gold")


def run(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Write predictions, judgements and answers to probes; return an Evaluation as plain values."""
    encoder = Encoder(paths.encoder, resolve_device(params.compute))
    held_out = _read_held_out(params, paths, encoder)
    judged = held_out.take(params.evaluate.judge_items)
    probes = _read_probes(params, paths, encoder)

    outcomes = _ask_systems(params, paths, held_out, judged, probes)
    write_rows(paths.predictions, outcomes.predictions)
    write_rows(paths.judgements, outcomes.judgements)
    found = probes.results.values() if probes else ()
    write_rows(paths.probe_answers, (row for result in found for row in result.answers))

    rating = _rating(params, paths, judged)
    evaluation = score_corpus(outcomes, rating)
    if probes:
        evaluation = add_probe_scores(evaluation, probes, rating.resampling)
    _write_plot(paths.plot, evaluation)
    return evaluation.model_dump()


def _weights(params: Params) -> dict[str, str]:
    """Say where the seed's weights were quantised, for evaluation as for training."""
    quantization = params.compute.quantization
    return {} if quantization == "none" else {"weights": f"{quantization}, adapters unmerged, as in training"}


def _read_held_out(params: Params, paths: CorpusPaths, encoder: Encoder) -> EvaluationData:
    """Read what systems are tested on, and retrieve passages for all of it."""
    examples = read_rows(paths.instruct("test"), InstructExample)
    pairs = read_rows(paths.preference("test"), PreferencePair)
    if not examples:
        raise CharterError(f"{paths.instruct('test')}: no test questions; raise synthesize.test_share")
    questions = [row.question for row in examples] + [row.prompt for row in pairs]
    found = load_index(paths.index, encoder).search(questions, params.retrieval.passages)
    return EvaluationData(
        chunks={chunk.id: chunk for chunk in read_rows(paths.chunks, Chunk)},
        examples=examples,
        pairs=pairs,
        retrieved=dict(zip(questions, found, strict=True)),
    )


def _read_probes(params: Params, paths: CorpusPaths, encoder: Encoder) -> Probes | None:
    """Read the prompts for safety and retention, and fit what reads the answers; None without any."""
    count = params.evaluate.safety_prompts
    if not count:
        return None
    return Probes(
        harmful=take_evenly(read_rows(paths.probes("harmful"), ProbePrompt), count),
        benign=take_evenly(read_rows(paths.probes("benign"), ProbePrompt), count),
        general=take_evenly(read_rows(paths.general, GeneralPrompt), count),
        detector=RefusalDetector(read_rows(paths.labelled, LabelledResponse), encoder, params.seed),
        encoder=encoder,
    )


def _ask_systems(
    params: Params,
    paths: CorpusPaths,
    held_out: EvaluationData,
    judged: EvaluationData,
    probes: Probes | None,
) -> Outcomes:
    """Ask the local systems, one at a time in memory, then the teacher, which judges all of them."""
    settings = params.evaluate
    predictions: list[Prediction] = []
    adherence: dict[str, Estimate] = {}
    for name in LOCAL:
        adapter = None if name == "seed" else paths.adapter(name)
        system = LocalSystem(paths.seed, adapter, params.compute, settings.batch_size)
        with system.open(paths.journal) as engine:
            for rag in _RAGS:
                if (name, rag) in SYSTEMS:
                    predictions += predict(engine, name, rag, held_out, settings.max_new_tokens)
                if rag != "gold":
                    adherence[system_label(name, rag)] = system.adherence(held_out, rag)
            if probes:
                probes.ask(name, system, engine)
    with open_teacher(params, paths) as teacher:
        predictions += predict(teacher, "teacher", True, held_out, settings.max_new_tokens)
        # Nobody can have the upper bound, so it isn't judged.
        contestants = [row for row in predictions if row.rag != "gold"]
        contests = win_rate_contests(contestants, judged) + control_contests(judged)
        title = params.corpora[paths.name].title
        judgements = judge_contests(contests, teacher, title, settings.judge)
    return Outcomes(predictions, judgements, adherence)


def _hash_inputs(params: Params, paths: CorpusPaths) -> dict[str, str]:
    """Return the SHA-256 of the corpus's document, data and models, by the names that `Evaluation` lists."""
    inputs = {
        "document": paths.root / params.corpora[paths.name].path,
        "chunks": paths.chunks,
        "sft_train": paths.instruct("train"),
        "preference_train": paths.preference("train"),
        "demonstrations": paths.demonstrations,
        "sft_test": paths.instruct("test"),
        "preference_test": paths.preference("test"),
        "seed": paths.seed,
        "teacher": paths.teacher,
        "encoder": paths.encoder,
        **{f"{name}_adapter": paths.adapter(name) for name in LOCAL if name != "seed"},
    }
    return {
        name: directory_sha256(path) if path.is_dir() else file_sha256(path) for name, path in inputs.items()
    }


def _rating(params: Params, paths: CorpusPaths, judged: EvaluationData) -> Rating:
    settings = params.evaluate
    bert_score = BertScore(paths.encoder, params.base_models.encoder.name)
    return Rating(
        corpus=paths.name,
        title=params.corpora[paths.name].title,
        settings={
            "passages": str(params.retrieval.passages),
            "judged": f"{len(judged.examples)} questions",
            **_weights(params),
        },
        lineage=_hash_inputs(params, paths),
        judge=Judge(
            name=f"{name_teacher(params, paths)}, {settings.judge}",
            sha256=directory_sha256(paths.teacher),
            is_teacher=True,
            min_validity=settings.judge_min_validity,
        ),
        bert_score=bert_score,
        encoder=bert_score.signature,
        resampling=Resampling(settings.bootstrap_samples, params.seed),
    )


def _write_plot(path: Path, evaluation: Evaluation) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("system", *METRICS))
        for label, figures in evaluation.systems.items():
            cells = [figures[metric].value if metric in figures else "" for metric in METRICS]
            writer.writerow((label, *cells))
