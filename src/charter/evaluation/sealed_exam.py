"""The sealed part of an exam, prepared to be sat: for evaluate, and for arm, which is compared with it."""

from collections.abc import Sequence

from charter.evaluation.answer_language import AnswerLanguage
from charter.evaluation.exam import read_sealed
from charter.evaluation.examination import Examination, prepare
from charter.evaluation.people_questions import leave_out_trained
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import Index


def sealed_examination(
    params: Params,
    paths: CorpusPaths,
    chunks: Sequence[Chunk],
    index: Index,
    encoder: Encoder,
    language: AnswerLanguage,
) -> Examination:
    """Draw evaluate.exam_items of the sealed questions and dilemmas, and find what is shown with them.

    Raises:
        CharterError: The exam is missing, has faults, or isn't what was frozen.
    """
    exam = read_sealed(paths).sample(params.evaluate.exam_items, params.seed)
    exam = leave_out_trained(exam, params, paths, encoder)
    return prepare(exam, paths.name, params, chunks, index, language)
