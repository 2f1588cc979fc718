"""Exam items whose like people brought into training are left out, and counted."""

from pathlib import Path

import pytest
import torch

from charter.evaluation.exam_split import Exam
from charter.evaluation.people_questions import leave_out_trained, worded_by_people
from charter.project.params import Params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.review_records import RowMark
from charter.project.storage import write_rows
from charter.report.sentences import exam_sentence
from charter.retrieval.encoder import Encoder
from exam_rows import dilemma_of, pair_of, question_of
from review_rows import example_of
from review_rows import pair_of as preferred
from synthetic_project import make_evaluation, sit_exam

INVITES = "invites me to a concert. May I go?"
EXAM = Exam(
    [
        question_of("q1", question="When do I have to report a gift?"),
        question_of("q2", question="Who talks to the press?"),
    ],
    [
        dilemma_of("d1", scenario="The canteen was closed, so I ate at my desk. Must I tell anybody?"),
        *(
            row.model_copy(update={"scenario": scenario})
            for row, scenario in zip(
                pair_of("p"),
                (
                    "A supplier invites me to a concert. May I go?",
                    "My aunt invites me to a concert. May I go?",
                ),
                strict=True,
            )
        ),
    ],
)


def brought_in(paths: CorpusPaths, mark: str, *questions: str) -> None:
    """Let people have edited or voted on questions of the training split; one more is the teacher's."""
    rows = [example_of(text, "Yes.") for text in questions]
    written = [*rows, example_of("Who talks to the press?", "All.")]
    pairs = [preferred(text, "Yes.", "No.") for text in questions]
    for split in ("train", "validation"):
        write_rows(
            paths.instruct(split),
            written if split == "train" else [],
        )
        write_rows(paths.preference(split), pairs if mark == "voted" and split == "train" else [])
    marked = pairs if mark == "voted" else rows
    marks = [{"row_id": row.id, "split": "train", "mark": mark, "people": ()} for row in marked]
    write_rows(paths.row_marks, [RowMark.model_validate(values) for values in marks])


@pytest.mark.models
@pytest.mark.parametrize("mark", ["edited", "voted"])
def test_what_is_near_to_peoples_words_is_left_out(
    params: Params, base_models: ProjectPaths, mark: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    paths = ProjectPaths(tmp_path_factory.mktemp("people")).corpus("bcg")
    encoder = Encoder(base_models.encoder, torch.device("cpu"))
    brought_in(
        paths, mark, "when do I have to report a gift", "A supplier invites me to a concert. May I go?"
    )
    left = leave_out_trained(EXAM, params, paths, encoder)
    assert [row.id for row in left.questions] == ["q2"], "what the teacher wrote isn't compared"
    assert [row.id for row in left.dilemmas] == ["d1"], "a minimal pair goes whole"
    assert left.left_out == 3
    brought_in(paths, mark, "May I keep a dog in the office?")
    assert leave_out_trained(EXAM, params, paths, encoder).left_out == 0


def test_questions_that_people_worded_are_told_from_the_teachers(tmp_path: Path) -> None:
    paths = CorpusPaths(tmp_path, "bcg")
    assert worded_by_people(paths) == []
    rows = [example_of(f"{number}?", "Yes.") for number in range(3)]
    voted = preferred("Is a pen fine?", "Yes.", "No.")
    for split, chosen in (("train", rows[:2]), ("validation", rows[2:]), ("test", [])):
        write_rows(paths.instruct(split), chosen)
        write_rows(paths.preference(split), [voted] if split == "train" else [])
    given = ((rows[0].id, "accepted"), (rows[2].id, "edited"), (voted.id, "voted"))
    write_rows(
        paths.row_marks,
        [
            RowMark.model_validate({"row_id": row, "split": "train", "mark": mark, "people": ()})
            for row, mark in given
        ],
    )
    assert sorted(worded_by_people(paths)) == ["2?", "Is a pen fine?"]


def test_without_peoples_words_the_exam_is_whole(params: Params, base_models: ProjectPaths) -> None:
    paths = ProjectPaths(base_models.root / "nothing").corpus("bcg")
    encoder: Encoder = None  # type: ignore[assignment]  # nobody asks it
    assert leave_out_trained(EXAM, params, paths, encoder) is EXAM


def test_the_table_says_how_many_were_left_out() -> None:
    evaluation, *_ = sit_exam(make_evaluation())
    assert "Left out" not in exam_sentence(evaluation)
    told = evaluation.model_copy(update={"settings": evaluation.settings | {"exam_left_out": "3"}})
    assert "Left out: 3 items whose like people brought into training." in exam_sentence(told)
