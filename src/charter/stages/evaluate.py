"""evaluate: the answers of every system to held-out questions, judged, measured and compared."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charter.documents.corpus_language import main_language, weak_models
from charter.evaluation.answer_language import language_of_answers
from charter.evaluation.bertscore import BertScore
from charter.evaluation.evaluation_data import EvaluationData, predict, predictions_of
from charter.evaluation.exam import has_exam, read_dev, read_sealed
from charter.evaluation.exam_controls import exam_controls
from charter.evaluation.exam_scoring import add_exam_scores
from charter.evaluation.examination import Examination, prepare
from charter.evaluation.general_text import read_texts
from charter.evaluation.item_scores import exam_scores, probe_scores, text_scores
from charter.evaluation.judge import Contest, control_contests, win_rate_contests
from charter.evaluation.judges import Judges
from charter.evaluation.local_system import LocalSystem, local_system
from charter.evaluation.people_questions import leave_out_trained
from charter.evaluation.probes import Probes, add_probe_scores
from charter.evaluation.results import Estimate, Evaluation
from charter.evaluation.scoring import Rating, score_corpus
from charter.evaluation.statistics import Resampling
from charter.evaluation.trivial import TrivialSystems
from charter.generation.journal import JournaledEngine
from charter.generation.teacher import open_teacher
from charter.project.devices import resolve_device
from charter.project.errors import CharterError
from charter.project.exam_records import EverydayFact, ExamAnswer, ExamDecision
from charter.project.metric_names import LOCAL, METRICS, SYSTEMS, system_label
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import (
    Chunk,
    GeneralPrompt,
    InstructExample,
    Judgement,
    LabelledResponse,
    Prediction,
    PreferencePair,
    ProbePrompt,
    Rag,
    System,
    take_evenly,
)
from charter.project.score_records import ItemScore
from charter.project.storage import atomic_path, directory_sha256, file_sha256, read_rows, write_rows
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import Index, load_index
from charter.synthesis.refusal import RefusalDetector

JUDGED = [*((name, rag) for name in LOCAL for rag in (False, True)), ("teacher", True)]
"""The systems that have a win rate: not the upper bound, which nobody has, nor what needs no model."""


@dataclass(frozen=True)
class _Tests:
    """What the systems of a corpus and the judge are put to; exam and probes are None where there is none."""

    held_out: EvaluationData
    judged: EvaluationData
    trivial: TrivialSystems
    controls: list[Contest]
    examination: Examination | None
    probes: Probes | None


def run(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Write answers, judgements and what each item counted; return an Evaluation as plain values."""
    tests = _read_tests(params, paths)
    judges = Judges(params, paths)
    judges.try_servers(tests.controls)
    answers = _ask_systems(params, paths, tests, judges)
    write_rows(paths.predictions, answers.predictions)
    write_rows(paths.judgements, answers.judgements)
    write_rows(paths.exam_answers, answers.exam)
    write_rows(paths.exam_decisions, answers.decisions)
    found = tests.probes.results.values() if tests.probes else ()
    write_rows(paths.probe_answers, (row for result in found for row in result.answers))

    rating = _rating(params, paths, tests, judges)
    evaluation = score_corpus(answers.predictions, answers.judgements, answers.adherence, rating)
    if tests.examination:
        evaluation = add_exam_scores(evaluation, answers.exam, answers.decisions, rating.resampling)
    if tests.probes:
        evaluation = add_probe_scores(evaluation, tests.probes, rating.resampling)
    _write_plot(paths.plot, evaluation)
    write_rows(paths.item_scores, _item_scores(tests, answers, rating.language))
    return evaluation.model_copy(update={"item_scores": file_sha256(paths.item_scores)}).model_dump()


def _item_scores(tests: _Tests, answers: "_Answers", language: str | None) -> Iterator[ItemScore]:
    yield from text_scores(answers.predictions, language)
    if tests.examination:
        yield from exam_scores(answers.exam, answers.decisions, tests.examination.exam)
    if tests.probes:
        yield from probe_scores(tests.probes)


def _weights(params: Params) -> dict[str, str]:
    """Say where the seed's weights were quantised, for evaluation as for training."""
    quantization = params.compute.quantization
    return {} if quantization == "none" else {"weights": f"{quantization}, adapters unmerged, as in training"}


def _read_tests(params: Params, paths: CorpusPaths) -> _Tests:
    """Read what systems are tested on, and retrieve passages for all of it."""
    encoder = Encoder(paths.encoder, resolve_device(params.compute))
    index = load_index(paths.index, encoder, params.retrieval.method)
    chunks = read_rows(paths.chunks, Chunk)
    held_out = _read_held_out(params, paths, chunks, index)
    language = language_of_answers(chunks)
    training = read_rows(paths.instruct("train"), InstructExample)
    trivial = TrivialSystems(index, params.retrieval.passages, held_out.chunks, training, language)
    judged = held_out.take(params.evaluate.judge_items)
    if has_exam(paths):
        controls = exam_controls(read_dev(paths), chunks, language, params.evaluate.judge_items)
        exam = read_sealed(paths).sample(params.evaluate.exam_items, params.seed)
        exam = leave_out_trained(exam, params, paths, encoder)
        examination = prepare(exam, paths.name, params, chunks, index, language)
    else:
        controls, examination = control_contests(judged), None
    probes = _read_probes(params, paths, encoder)
    return _Tests(held_out, judged, trivial, controls, examination, probes)


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


def _read_probes(params: Params, paths: CorpusPaths, encoder: Encoder) -> Probes | None:
    """Read the prompts for safety and retention, and fit what reads the answers; None without any."""
    count = params.evaluate.safety_prompts
    if not count:
        return None
    return Probes(
        harmful=take_evenly(read_rows(paths.probes("harmful"), ProbePrompt), count),
        benign=take_evenly(read_rows(paths.probes("benign"), ProbePrompt), count),
        general=take_evenly(read_rows(paths.general, GeneralPrompt), count),
        facts=take_evenly(read_rows(paths.facts, EverydayFact), params.evaluate.everyday_facts),
        texts=read_texts(paths.general_texts),
        windows=count,
        detector=RefusalDetector(read_rows(paths.labelled, LabelledResponse), encoder, params.seed),
        encoder=encoder,
    )


@dataclass
class _Answers:
    """What was answered to the tests so far."""

    tests: _Tests
    max_new_tokens: int
    predictions: list[Prediction] = field(default_factory=list)
    exam: list[ExamAnswer] = field(default_factory=list)
    decisions: list[ExamDecision] = field(default_factory=list)
    adherence: dict[str, Estimate] = field(default_factory=dict)
    judgements: list[Judgement] = field(default_factory=list)

    def ask(self, engine: JournaledEngine, name: System, rag: Rag) -> None:
        """Ask a system all questions."""
        self.predictions += predict(engine, name, rag, self.tests.held_out, self.max_new_tokens)
        if self.tests.examination:
            self.exam += self.tests.examination.ask(engine, name, rag)

    def ask_local(self, name: System, system: LocalSystem, journal: Path) -> None:
        """Ask a system of this machine all that it can be asked."""
        with system.open(journal) as engine:
            for rag in (rag for other, rag in SYSTEMS if other == name):
                self.ask(engine, name, rag)
                if rag != "gold":
                    self.adherence[system_label(name, rag)] = system.adherence(self.tests.held_out, rag)
            if self.tests.examination:
                self.decisions += self.tests.examination.decide(system, name)
            if self.tests.probes:
                self.tests.probes.ask(name, system, engine)

    def look_up(self) -> None:
        """Answer all questions in the ways that need no model."""
        held_out, examination = self.tests.held_out, self.tests.examination
        for name, answers in self.tests.trivial.answers([row.question for row in held_out.examples]).items():
            self.predictions += predictions_of(name, False, held_out, answers)
        if examination:
            for name, answers in self.tests.trivial.answers(examination.questions).items():
                self.exam += examination.mark(name, False, answers)


def _ask_systems(params: Params, paths: CorpusPaths, tests: _Tests, judges: Judges) -> _Answers:
    """Ask the local systems, one at a time in memory, then the teacher, then those that judge them."""
    answers = _Answers(tests, params.evaluate.max_new_tokens)
    for name in LOCAL:
        answers.ask_local(name, local_system(name, params, paths), paths.journal)
    answers.look_up()
    with open_teacher(params, paths) as teacher:
        for rag in (False, True):
            answers.ask(teacher, "teacher", rag)
        contestants = [row for row in answers.predictions if (row.system, row.rag) in JUDGED]
        contests = win_rate_contests(contestants, tests.judged) + tests.controls
        answers.judgements += judges.judge(contests, teacher)
    return answers


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


def _rating(params: Params, paths: CorpusPaths, tests: _Tests, judges: Judges) -> Rating:
    settings = params.evaluate
    bert_score = BertScore(paths.encoder, params.base_models.encoder.name)
    language = main_language(chunk.language for chunk in tests.held_out.chunks.values())
    return Rating(
        corpus=paths.name,
        title=params.corpora[paths.name].title,
        language=language,
        cautions=weak_models(params.base_models, language),
        settings={
            "retrieval": params.retrieval.method,
            "passages": str(params.retrieval.passages),
            "judged": f"{len(tests.judged.examples)} questions",
            "judge_method": settings.judge,
            "judge_requests": "; ".join(f"{name}: {asked}" for name, asked in judges.requests.items()),
            **_exam_settings(tests.examination),
            **_weights(params),
        },
        lineage=_hash_inputs(params, paths) | _exam_hash(tests.examination),
        judges=judges.described(),
        bert_score=bert_score,
        encoder=bert_score.signature,
        resampling=Resampling(settings.bootstrap_samples, params.seed),
    )


def _exam_settings(examination: Examination | None) -> dict[str, str]:
    if examination is None:
        return {"judge_controls": "held-out rows"}
    exam = examination.exam
    return {
        "exam": f"{len(exam.questions)} questions, {len(exam.dilemmas)} dilemmas, of the sealed part",
        "judge_controls": "the open part of the exam",
        **({"exam_left_out": str(exam.left_out)} if exam.left_out else {}),
    }


def _exam_hash(examination: Examination | None) -> dict[str, str]:
    return {"exam": examination.exam.sha256()} if examination else {}


def _write_plot(path: Path, evaluation: Evaluation) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("system", *METRICS))
        for label, figures in evaluation.systems.items():
            cells = [figures[metric].value if metric in figures else "" for metric in METRICS]
            writer.writerow((label, *cells))
