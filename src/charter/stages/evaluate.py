"""evaluate: the answers of every system to held-out questions, judged, measured and compared."""

import csv
from pathlib import Path
from typing import Any

from charter.evaluation.answering import LocalSystem, answer_questions, own_passages, passage_texts
from charter.evaluation.bertscore import BertScore
from charter.evaluation.judge import control_contests, judge_contests, win_rate_contests
from charter.evaluation.probes import Probed, Probes, add_probed, probe
from charter.evaluation.results import METRICS, Evaluation, system_label
from charter.evaluation.scoring import Rating, score_corpus
from charter.evaluation.win_rate import Judge
from charter.generation.teacher import open_teacher
from charter.project.errors import CharterError
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
    System,
    take_evenly,
)
from charter.project.storage import atomic_path, directory_sha256, file_sha256, read_rows, write_rows
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import load_index
from charter.synthesis.refusal import RefusalDetector

OPPONENT = "seed+rag"
"""What a win is over: what a user has who only puts retrieval before an unaligned model."""

_LOCAL: tuple[System, ...] = ("seed", "cft", "sft", "dpo")


def run(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Write predictions, judgements and answers to probes; return an Evaluation as plain values."""
    title, settings = params.corpora[paths.name].title, params.evaluate
    chunks = {chunk.id: chunk for chunk in read_rows(paths.chunks, Chunk)}
    examples = read_rows(paths.instruct("test"), InstructExample)
    pairs = read_rows(paths.preference("test"), PreferencePair)
    if not examples:
        raise CharterError(f"{paths.instruct('test')}: no test questions; raise synthesize.test_share")
    encoder = Encoder(paths.encoder)
    index = load_index(paths.index, encoder)
    questions = [row.question for row in examples] + [row.prompt for row in pairs]
    retrieved = dict(zip(questions, index.search(questions, params.retrieval.passages), strict=True))

    predictions: list[Prediction] = []
    adherence: dict[str, list[tuple[str, bool]]] = {}
    probes = _read_probes(paths).take(settings.safety_prompts)
    labelled = read_rows(paths.labelled, LabelledResponse)
    detector = RefusalDetector(labelled, encoder, params.seed) if settings.safety_prompts else None
    probed: dict[System, Probed] = {}
    for name in _LOCAL:
        adapter = None if name == "seed" else paths.adapter(name)
        system = LocalSystem(paths.seed, adapter, params.compute, settings.batch_size)
        with system.open(paths.journal) as engine:
            for rag, shown in ((False, {}), (True, retrieved)):
                predictions += answer_questions(engine, name, rag, examples, shown, chunks, settings)
                adherence[system_label(name, rag)] = system.favours_chosen(
                    pairs, passage_texts(shown, chunks)
                )
            if name == "cft":
                own = own_passages(examples)
                predictions += answer_questions(engine, name, "gold", examples, own, chunks, settings)
            if detector:
                probed[name] = probe(name, system, engine, probes, detector)
    with open_teacher(params, paths) as teacher:
        predictions += answer_questions(teacher, "teacher", True, examples, retrieved, chunks, settings)
        most = settings.judge_items or max(len(examples), len(pairs))
        judged = take_evenly(examples, most)
        # Nobody can have the upper bound, so it isn't judged.
        contestants = [row for row in predictions if row.rag != "gold"]
        contests = win_rate_contests(contestants, OPPONENT, chunks, {row.id for row in judged})
        contests += control_contests(judged, take_evenly(pairs, most), chunks)
        judgements = judge_contests(contests, teacher, title, settings.judge)
    write_rows(paths.predictions, predictions)
    write_rows(paths.judgements, judgements)
    write_rows(paths.probe_answers, (row for found in probed.values() for row in found.answers))

    teacher_source = next(iter(params.base_models.teacher.model_dump(exclude_none=True).values()))
    encoder_source = next(iter(params.base_models.encoder.model_dump(exclude_none=True).values()))
    bert_score = BertScore(paths.encoder, encoder_source)
    evaluation = score_corpus(
        corpus=paths.name,
        title=title,
        predictions=predictions,
        judgements=judgements,
        adherence=adherence,
        rating=Rating(
            judge=Judge(
                name=f"{teacher_source}, {settings.judge}",
                sha256=directory_sha256(paths.teacher),
                is_teacher=True,
                min_validity=settings.judge_min_validity,
            ),
            opponent=OPPONENT,
            bert_score=bert_score,
            encoder=bert_score.signature,
            samples=settings.bootstrap_samples,
            seed=params.seed,
        ),
        settings={"passages": str(params.retrieval.passages), "judged": f"{len(judged)} questions"},
        lineage=_lineage(params, paths),
    )
    if detector:
        evaluation = add_probed(
            evaluation, probed, detector, encoder, settings.bootstrap_samples, params.seed
        )
    _write_plot(paths.plot, evaluation)
    return evaluation.model_dump()


def _read_probes(paths: CorpusPaths) -> Probes:
    return Probes(
        harmful=read_rows(paths.probes("harmful"), ProbePrompt),
        benign=read_rows(paths.probes("benign"), ProbePrompt),
        general=read_rows(paths.general, GeneralPrompt),
    )


def _write_plot(path: Path, evaluation: Evaluation) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("system", *METRICS))
        for label, figures in evaluation.systems.items():
            cells = [figures[metric].value if metric in figures else "" for metric in METRICS]
            writer.writerow((label, *cells))


def _lineage(params: Params, paths: CorpusPaths) -> dict[str, str]:
    document = paths.root / params.corpora[paths.name].path
    return {
        "document": directory_sha256(document) if document.is_dir() else file_sha256(document),
        "chunks": file_sha256(paths.chunks),
        "sft_train": file_sha256(paths.instruct("train")),
        "preference_train": file_sha256(paths.preference("train")),
        "demonstrations": file_sha256(paths.demonstrations),
        "sft_test": file_sha256(paths.instruct("test")),
        "preference_test": file_sha256(paths.preference("test")),
        "seed": directory_sha256(paths.seed),
        "teacher": directory_sha256(paths.teacher),
        "encoder": directory_sha256(paths.encoder),
        **{f"{name}_adapter": directory_sha256(paths.adapter(name)) for name in _LOCAL if name != "seed"},
    }
