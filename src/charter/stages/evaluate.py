"""evaluate: the answers of every system to held-out questions, judged, measured and compared."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from charter.documents.corpus_language import main_language, weak_models
from charter.evaluation.answer_language import language_of_answers
from charter.evaluation.asking import Answers, Tests
from charter.evaluation.bertscore import BertScore
from charter.evaluation.evaluation_data import EvaluationData
from charter.evaluation.exam import has_exam, read_dev
from charter.evaluation.exam_controls import exam_controls
from charter.evaluation.exam_scoring import add_exam_scores
from charter.evaluation.judge import control_contests
from charter.evaluation.judges import Judges
from charter.evaluation.probe_prompts import read_probes
from charter.evaluation.probes import add_probe_scores
from charter.evaluation.results import Evaluation
from charter.evaluation.scoring import Rating, score_corpus
from charter.evaluation.sealed_exam import sealed_examination
from charter.evaluation.statistics import Resampling
from charter.evaluation.trivial import TrivialSystems
from charter.project.devices import resolve_device
from charter.project.errors import CharterError
from charter.project.metric_names import LOCAL, METRICS
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, InstructExample, PreferencePair
from charter.project.storage import atomic_path, directory_sha256, file_sha256, read_rows, write_rows
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import Index, load_index


def run(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Write answers, judgements and what each item counted; return an Evaluation as plain values."""
    tests = _read_tests(params, paths)
    judges = Judges(params, paths)
    judges.try_servers(tests.controls)
    answers = Answers(tests, params.evaluate.max_new_tokens, params.evaluate.own_advice)
    answers.ask_systems(params, paths, judges)
    write_rows(paths.predictions, answers.predictions)
    write_rows(paths.judgements, answers.judgements)
    write_rows(paths.exam_answers, answers.exam)
    write_rows(paths.exam_decisions, answers.decisions)
    write_rows(paths.exam_advice, answers.advice)
    found = tests.probes.results.values() if tests.probes else ()
    write_rows(paths.probe_answers, (row for result in found for row in result.answers))

    rating = _rating(params, paths, tests, judges)
    evaluation = score_corpus(answers.predictions, answers.judgements, answers.adherence, rating)
    if tests.examination:
        evaluation = add_exam_scores(
            evaluation, answers.exam, answers.decisions, rating.resampling, answers.advice
        )
    if tests.probes:
        evaluation = add_probe_scores(evaluation, tests.probes, rating.resampling)
    _write_plot(paths.plot, evaluation)
    write_rows(paths.item_scores, answers.item_scores(rating.language))
    return evaluation.model_copy(update={"item_scores": file_sha256(paths.item_scores)}).model_dump()


def _weights(params: Params) -> dict[str, str]:
    """Say where the seed's weights were quantised, for evaluation as for training."""
    quantization = params.compute.quantization
    return {} if quantization == "none" else {"weights": f"{quantization}, adapters unmerged, as in training"}


def _read_tests(params: Params, paths: CorpusPaths) -> Tests:
    """Read what systems are tested on, and retrieve passages for all of it."""
    encoder = Encoder(paths.encoder, resolve_device(params.compute))
    index = load_index(paths.index, encoder, params.retrieval)
    chunks = read_rows(paths.chunks, Chunk)
    held_out = _read_held_out(params, paths, chunks, index)
    language = language_of_answers(chunks)
    training = read_rows(paths.instruct("train"), InstructExample)
    trivial = TrivialSystems(index, params.retrieval.passages, held_out.chunks, training, language)
    judged = held_out.take(params.evaluate.judge_items)
    if has_exam(paths):
        controls = exam_controls(read_dev(paths), chunks, language, params.evaluate.judge_items)
        examination = sealed_examination(params, paths, chunks, index, encoder, language)
    else:
        controls, examination = control_contests(judged), None
    probes = read_probes(params, paths, encoder)
    return Tests(held_out, judged, trivial, controls, examination, probes)


def _read_held_out(
    params: Params, paths: CorpusPaths, chunks: Sequence[Chunk], index: Index
) -> EvaluationData:
    examples = read_rows(paths.instruct("test"), InstructExample)
    pairs = read_rows(paths.preference("test"), PreferencePair)
    if not examples:
        raise CharterError(f"{paths.instruct('test')}: no test questions; raise synthesize.test_share")
    questions = [row.question for row in examples] + [row.prompt for row in pairs]
    found = index.search(questions, params.retrieval.passages)
    return EvaluationData(
        chunks={chunk.id: chunk for chunk in chunks},
        examples=examples,
        pairs=pairs,
        retrieved=dict(zip(questions, found, strict=True)),
    )


def _hash_inputs(params: Params, paths: CorpusPaths) -> dict[str, str]:
    """Return the SHA-256 of the corpus's document, data and models, by the names that `Evaluation` lists."""
    inputs = {
        "document": paths.root / params.corpora[paths.name].path,
        **paths.data_sets,
        "seed": paths.seed,
        "teacher": paths.teacher,
        "encoder": paths.encoder,
        **{f"{name}_adapter": paths.adapter(name) for name in LOCAL if name != "seed"},
    }
    return {
        name: directory_sha256(path) if path.is_dir() else file_sha256(path) for name, path in inputs.items()
    }


def _rating(params: Params, paths: CorpusPaths, tests: Tests, judges: Judges) -> Rating:
    bert_score = BertScore(paths.encoder, params.base_models.encoder.name)
    language = main_language(chunk.language for chunk in tests.held_out.chunks.values())
    settings = {
        "retrieval": params.retrieval.method,
        "retrieval_unit": params.retrieval.unit,
        "passages": str(params.retrieval.passages),
        "judged": f"{len(tests.judged.examples)} questions",
        "judge_method": params.evaluate.judge,
        "judge_requests": "; ".join(f"{name}: {asked}" for name, asked in judges.requests.items()),
    }
    lineage = _hash_inputs(params, paths)
    if tests.examination:
        exam = tests.examination.exam
        lineage["exam"] = exam.sha256()
        sizes = f"{len(exam.questions)} questions, {len(exam.dilemmas)} dilemmas"
        settings |= {"exam": f"{sizes}, of the sealed part", "judge_controls": "the open part of the exam"}
        if exam.left_out:
            settings["exam_left_out"] = str(exam.left_out)
    else:
        settings["judge_controls"] = "held-out rows"
    return Rating(
        corpus=paths.name,
        title=params.corpora[paths.name].title,
        language=language,
        cautions=weak_models(params.base_models, language),
        settings=settings | _weights(params),
        lineage=lineage,
        judges=judges.described(),
        bert_score=bert_score,
        encoder=bert_score.signature,
        resampling=Resampling(params.evaluate.bootstrap_samples, params.seed),
    )


def _write_plot(path: Path, evaluation: Evaluation) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("system", *METRICS))
        for label, figures in evaluation.systems.items():
            cells = [figures[metric].value if metric in figures else "" for metric in METRICS]
            writer.writerow((label, *cells))
