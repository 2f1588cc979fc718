"""Exam items that people may have carried into training, by a vote or an edit, and that measure nothing."""

from dataclasses import replace

from charter.evaluation.exam_split import Exam
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import InstructExample, PreferencePair
from charter.project.review_records import DataRow, RowMark, row_texts
from charter.project.storage import read_rows
from charter.retrieval.encoder import Encoder
from charter.synthesis.duplicates import Likeness, links_between


def worded_by_people(paths: CorpusPaths) -> list[str]:
    """Return the questions of training and validation that people edited or voted on: not the teacher's own.

    Raises:
        CharterError: A file of the data is missing or broken.
    """
    if not paths.row_marks.exists():
        return []
    marks = read_rows(paths.row_marks, RowMark)
    worded = {row.row_id for row in marks if row.mark in ("edited", "voted")}
    rows: list[DataRow] = []
    for split in ("train", "validation"):
        rows += read_rows(paths.instruct(split), InstructExample)
        rows += read_rows(paths.preference(split), PreferencePair)
    return [next(iter(row_texts(row).values())) for row in rows if row.id in worded]


def leave_out_trained(exam: Exam, params: Params, paths: CorpusPaths, encoder: Encoder) -> Exam:
    """Leave out the items that are near-duplicates of what people brought into training, and count them.

    Near is what is too near between splits (``synthesize.max_leak_similarity``). Both members of a minimal
    pair go where one does. What the teacher wrote is not compared: it has never seen the exam.
    """
    worded = worded_by_people(paths)
    if not worded:
        return exam
    items = {row.id: row.question for row in exam.questions} | {row.id: row.scenario for row in exam.dilemmas}
    settings = params.synthesize
    likeness = Likeness(settings.max_leak_similarity, settings.max_shared_trigrams)
    names = list(items)
    near = {names[place] for _, place in links_between(worded, list(items.values()), encoder, likeness)}
    near |= {row.pair for row in exam.dilemmas if row.id in near and row.pair}
    left = replace(
        exam,
        questions=[row for row in exam.questions if row.id not in near],
        dilemmas=[row for row in exam.dilemmas if row.id not in near and row.pair not in near],
    )
    return replace(left, left_out=len(items) - len(left.questions) - len(left.dilemmas))
