"""The exam of a corpus: the one way to its sealed items, and the open way to its dev items."""

from pathlib import Path

from charter.evaluation.exam_checks import Placed, find_faults, parse_placed, raise_faults
from charter.evaluation.exam_split import Exam, Seal, read_seal
from charter.project.errors import CharterError
from charter.project.exam_records import Dilemma, ExamQuestion
from charter.project.paths import CorpusPaths


def has_exam(paths: CorpusPaths) -> bool:
    """Say whether anybody wrote an exam for the corpus."""
    return any(path.exists() for path in (paths.exam_questions, paths.exam_dilemmas, paths.exam_seal))


def read_dev(paths: CorpusPaths) -> Exam:
    """Read the third that choices are made by.

    Raises:
        CharterError: The exam is missing, or has faults; all are named by file and line.
    """
    seal, exam = _read(paths)
    return exam.only(seal.dev)


def read_sealed(paths: CorpusPaths) -> Exam:
    """Read the two thirds that are measured with, for evaluate alone: nothing may be chosen by them.

    Raises:
        CharterError: As for `read_dev`, or a sealed item isn't what was frozen.
    """
    seal, exam = _read(paths)
    sealed = exam.only(seal.sealed)
    if sealed.sha256() != seal.sha256:
        raise CharterError(
            f"{paths.exam_seal}: the sealed part of the exam isn't what was frozen ({seal.questions} "
            f"questions and {seal.dilemmas} dilemmas then, {len(sealed.questions)} and "
            f"{len(sealed.dilemmas)} now); take it from git, or, if the change is meant, run "
            f"`charter exam add {paths.name} {paths.exam_seal.parent}` and measure every system anew"
        )
    return sealed


def read_exam_files(
    questions: Path, dilemmas: Path
) -> tuple[list[Placed[ExamQuestion]], list[Placed[Dilemma]]]:
    """Read both files of an exam, whatever part an item is of, for `charter exam add` and this module.

    Raises:
        CharterError: A file is missing, or there are faults; all are named by file and line.
    """
    asked, faults = parse_placed(_lines(questions), ExamQuestion.model_validate_json)
    decided, more = parse_placed(_lines(dilemmas), Dilemma.model_validate_json)
    raise_faults([*faults, *more, *find_faults(asked, decided)])
    return asked, decided


def _lines(path: Path) -> list[tuple[str, str]]:
    if not path.is_file():
        raise CharterError(f"{path}: no such file; `charter exam new` begins an exam")
    try:
        with path.open(encoding="utf-8") as file:
            return [(f"{path}:{number}", line) for number, line in enumerate(file, start=1)]
    except UnicodeDecodeError as error:
        message = f"{path}: not UTF-8 (byte {error.start}); convert it, and add the exam again"
        raise CharterError(message) from error


def _read(paths: CorpusPaths) -> tuple[Seal, Exam]:
    seal = read_seal(paths.exam_seal)
    asked, decided = read_exam_files(paths.exam_questions, paths.exam_dilemmas)
    exam = Exam([row for _, row in asked], [row for _, row in decided])
    if strays := [name for name in exam.sections if name not in {*seal.dev, *seal.sealed}]:
        raise CharterError(
            f"{paths.exam_seal}: sections {', '.join(strays)} are in no part; "
            f"run `charter exam add {paths.name} {paths.exam_seal.parent}`"
        )
    return seal, exam
