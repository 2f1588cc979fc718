"""Contests whose outcome people know: what a judge is tested on where the corpus has an exam.

They come from the dev part, and no judge chose them: not the one that is tested, which may have let its own
kind of row through synthesis.
"""

from collections.abc import Sequence

from charter.evaluation.answer_language import AnswerLanguage
from charter.evaluation.exam_quotes import find_quotes
from charter.evaluation.exam_split import Exam
from charter.evaluation.grouping import grouped
from charter.evaluation.judge import Contest, with_shuffled
from charter.evaluation.key_facts import Scorer
from charter.evaluation.win_rate import IDENTICAL, PREFERENCE
from charter.project.records import Chunk
from charter.project.sampling import take_evenly


def exam_controls(exam: Exam, chunks: Sequence[Chunk], language: AnswerLanguage, count: int) -> list[Contest]:
    """Make identical, shuffled and chosen-against-rejected contests of at most ``count`` items each (0: all).

    Shuffled is a reference against that of another question of the same section, wrong by the key facts; the
    longer and the shorter in turn, so that a preference for length gains nothing. Chosen and rejected are the
    faithful and the unfaithful reply of a dilemma.
    """
    by_id = {chunk.id: chunk for chunk in chunks}
    asked = [row for row in exam.questions if row.kind != "unanswerable"]
    sources = find_quotes([row.quote for row in asked], chunks)
    placed = [(row, by_id[source]) for row, source in zip(asked, sources, strict=True) if source]
    sections = grouped(asked, lambda row: row.section)
    known = []
    for row, chunk in take_evenly(placed, count or len(placed)):
        answer, scorer = row.references[0], Scorer(row, language)
        others = [other.references[0] for other in sections[row.section]]
        wrong = [other for other in others if not scorer.mark(other).right]
        known.append((Contest(IDENTICAL, row.id, chunk, row.question, answer, answer), wrong))
    contests = list(with_shuffled(known))
    sources = find_quotes([row.quote for row in exam.dilemmas], chunks)
    dilemmas = [(row, source) for row, source in zip(exam.dilemmas, sources, strict=True) if source]
    for dilemma, source in take_evenly(dilemmas, count or len(dilemmas)):
        replies = dilemma.faithful, dilemma.unfaithful
        contests.append(Contest(PREFERENCE, dilemma.id, by_id[source], dilemma.scenario, *replies))
    return contests
