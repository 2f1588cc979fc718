"""The dev part of an exam held, as often as one likes: what choices are made by."""

from collections.abc import Sequence

from charter.evaluation.answer_language import language_of_answers
from charter.evaluation.exam import read_dev
from charter.evaluation.examination import Examination, prepare
from charter.evaluation.local_system import local_system
from charter.evaluation.people_questions import leave_out_trained
from charter.evaluation.trivial import TrivialSystems
from charter.generation.teacher import open_teacher
from charter.project.devices import resolve_device
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.project.metric_names import SYSTEMS
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, InstructExample, System
from charter.project.storage import read_rows
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import load_index


def dev_examination(params: Params, paths: CorpusPaths) -> Examination:
    """Prepare the dev part of the corpus's exam.

    Raises:
        CharterError: The exam, the encoder or the index is missing.
    """
    encoder = Encoder(paths.encoder, resolve_device(params.compute))
    index = load_index(paths.index, encoder, params.retrieval)
    chunks = read_rows(paths.chunks, Chunk)
    exam = leave_out_trained(read_dev(paths), params, paths, encoder)
    return prepare(exam, paths.name, params, chunks, index, language_of_answers(chunks))


def sit_dev(
    params: Params, paths: CorpusPaths, systems: Sequence[System]
) -> tuple[list[ExamAnswer], list[ExamDecision]]:
    """Return what systems, without RAG and with it, and the trivial ones answer and decide.

    Answers come from the journal where a system gave them before.

    Raises:
        CharterError: The exam, a model or the index is missing.
    """
    examination = dev_examination(params, paths)
    training = read_rows(paths.instruct("train"), InstructExample)
    trivial = TrivialSystems(
        examination.index, params.retrieval.passages, examination.chunks, training, examination.language
    )

    answers: list[ExamAnswer] = []
    decisions: list[ExamDecision] = []
    for name, given in trivial.answers(examination.questions).items():
        answers += examination.mark(name, False, given)
    for name in systems:
        rags = [rag for other, rag in SYSTEMS if other == name]
        local = None if name == "teacher" else local_system(name, params, paths)
        with local.open(paths.journal) if local else open_teacher(params, paths) as engine:
            answers += [row for rag in rags for row in examination.ask(engine, name, rag)]
        if local:
            decisions += examination.decide(local, name)
    return answers, decisions
