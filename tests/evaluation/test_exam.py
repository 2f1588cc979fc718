"""Reading exams: every fault named, dev and sealed apart, and a sealed part that changed refused."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from charter.evaluation.exam import read_dev, read_sealed
from charter.evaluation.exam_split import Exam, seal_exam, write_seal
from charter.project.errors import CharterError
from charter.project.exam_records import Dilemma
from charter.project.paths import CorpusPaths, ProjectPaths
from exam_rows import corpus_in, dilemma_of, pair_of, question_of, sample_exam, unanswerable, write_exam

ROOT = Path(__file__).parent.parent.parent
CORPORA = sorted(path.name for path in (ROOT / "data/exam").iterdir() if path.is_dir())


@pytest.fixture
def ours(tmp_path: Path) -> CorpusPaths:
    """A corpus with a sealed exam of six sections."""
    paths = corpus_in(tmp_path)
    questions, dilemmas = sample_exam()
    write_exam(paths, questions, dilemmas)
    write_seal(paths.exam_seal, seal_exam(Exam(questions, dilemmas), seed=1))
    return paths


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_files_in_another_encoding_are_named(ours: CorpusPaths) -> None:
    text = ours.exam_questions.read_text(encoding="utf-8").replace("gifts", "Gefäße")
    ours.exam_questions.write_text(text, encoding="latin-1")
    with pytest.raises(CharterError, match=r"questions\.jsonl: not UTF-8 \(byte \d+\); convert it"):
        read_dev(ours)
    ours.exam_seal.write_text("seed: 1\ndev: [Gefäße]\n", encoding="latin-1")
    with pytest.raises(CharterError, match=r"sealed\.yaml: not a seal"):
        read_dev(ours)
    ours.exam_seal.write_text("dev: [unclosed\n", encoding="utf-8")
    with pytest.raises(CharterError, match=r"sealed\.yaml: not a seal"):
        read_dev(ours)


def test_parts_are_apart_and_whole(ours: CorpusPaths) -> None:
    dev, sealed = read_dev(ours), read_sealed(ours)
    assert not set(dev.sections) & set(sealed.sections)
    assert (len(dev.sections), len(sealed.sections)) == (2, 4)
    assert len(dev.questions) + len(sealed.questions) == 12
    assert len(dev.dilemmas) + len(sealed.dilemmas) == 18


def test_a_changed_sealed_item_is_refused_and_a_changed_dev_item_is_not(ours: CorpusPaths) -> None:
    dev, sealed = read_dev(ours), read_sealed(ours)
    rewrite(ours.exam_dilemmas, f"({dev.dilemmas[0].id})", "(a golden one)")
    assert len(read_sealed(ours).dilemmas) == len(sealed.dilemmas)
    rewrite(ours.exam_dilemmas, f"({sealed.dilemmas[0].id})", "(a golden one)")
    assert "a golden one" in read_dev(ours).dilemmas[0].scenario
    with pytest.raises(CharterError, match=r"isn't what was frozen .*run `charter exam add ours "):
        read_sealed(ours)


def test_a_row_more_in_a_sealed_section_is_refused(ours: CorpusPaths) -> None:
    row = question_of("new", read_sealed(ours).sections[0])
    with ours.exam_questions.open("a", encoding="utf-8") as file:
        file.write(row.model_dump_json() + "\n")
    with pytest.raises(CharterError, match="8 questions and 12 dilemmas then, 9 and 12 now"):
        read_sealed(ours)


def test_a_section_of_no_part_is_refused(ours: CorpusPaths) -> None:
    rewrite(ours.exam_questions, '"Part 3"', '"Part 33"')
    with pytest.raises(CharterError, match="sections Part 33 are in no part"):
        read_dev(ours)


def test_a_missing_exam_and_a_missing_or_broken_seal_are_told(ours: CorpusPaths) -> None:
    ours.exam_dilemmas.unlink()
    with pytest.raises(CharterError, match=r"dilemmas\.jsonl: no such file; `charter exam new` begins"):
        read_dev(ours)
    ours.exam_seal.write_text("seed: 1\n")
    with pytest.raises(CharterError, match="not a seal"):
        read_dev(ours)
    ours.exam_seal.unlink()
    with pytest.raises(CharterError, match=r"sealed\.yaml: no such file; `charter exam add` divides"):
        read_dev(ours)


FAULTS = [
    (question_of("x", section=" "), "section is empty"),
    (question_of("x", references=()), "answer 1 is empty"),
    (question_of("x", key_facts=()), "key facts are missing"),
    (question_of("x", key_facts=(("30", " "),)), "is an empty text"),
    (question_of("x", quote=""), "the quote is missing"),
    (question_of("q-1"), "the id q-1 comes 2 times"),
    (unanswerable("x", polarity="no"), "what the document doesn't answer has no key facts"),
    (unanswerable("x", why=""), "say in `why` what is near it"),
    (dilemma_of("x", faithful=" "), "the faithful reply is empty"),
    (dilemma_of("x", unfaithful="Report it today."), "the faithful and the unfaithful reply are the same"),
    (dilemma_of("x", pair="lonely"), "pair lonely has 1 rows"),
    (dilemma_of("x", pair="p-1"), "pair p-1 has 3 rows"),
]


@pytest.mark.parametrize(("row", "message"), FAULTS, ids=[message for _, message in FAULTS])
def test_a_fault_is_named_by_file_and_line(ours: CorpusPaths, row: Dilemma, message: str) -> None:
    path = ours.exam_dilemmas if isinstance(row, Dilemma) else ours.exam_questions
    with path.open("a", encoding="utf-8") as file:
        file.write(row.model_dump_json() + "\n")
    with pytest.raises(CharterError) as raised:
        read_dev(ours)
    assert re.search(rf"{path.name}:\d+: .*{re.escape(message)}", str(raised.value))


def test_members_of_a_pair_have_the_same_replies_and_other_scenarios(ours: CorpusPaths) -> None:
    first, second = pair_of("odd")
    same = second.model_copy(update={"scenario": first.scenario, "unfaithful": "Burn it."})
    with ours.exam_dilemmas.open("a", encoding="utf-8") as file:
        file.writelines(f"{row.model_dump_json()}\n" for row in (first, same))
    with pytest.raises(CharterError) as raised:
        read_dev(ours)
    assert "the replies of pair odd must be the same two" in str(raised.value)
    assert "the scenarios of pair odd don't differ" in str(raised.value)


def test_all_faults_of_both_files_are_told_at_once(ours: CorpusPaths) -> None:
    lines = ours.exam_questions.read_text().splitlines()
    lines[1] = lines[1].replace('"unanswerable"', '"riddle"')
    lines[3] = "{"
    ours.exam_questions.write_text("\n".join(lines))
    row = json.loads(ours.exam_dilemmas.read_text().splitlines()[0])
    ours.exam_dilemmas.write_text(json.dumps(row | {"mood": "bad"}))
    with pytest.raises(CharterError) as raised:
        read_dev(ours)
    first, *faults = str(raised.value).splitlines()
    assert first == "the exam has 3 faults; mend and add it again:"
    places = [r"questions\.jsonl:2: kind: ", r"questions\.jsonl:4: line: ", r"dilemmas\.jsonl:1: mood: "]
    assert all(re.search(place, fault) for place, fault in zip(places, faults, strict=True))


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_committed_exams_are_as_they_were_sealed(corpus: str) -> None:
    """And each kind of item is divided about as one to two."""
    paths = ProjectPaths(ROOT).corpus(corpus)
    dev, sealed = read_dev(paths), read_sealed(paths)
    for kind in ("fact", "situation", "everyday", "unanswerable"):
        parts = [Counter(row.kind for row in part.questions)[kind] for part in (dev, sealed)]
        assert 0.28 < parts[0] / sum(parts) < 0.38
    paired = [{row.pair for row in part.dilemmas if row.pair} for part in (dev, sealed)]
    assert not paired[0] & paired[1]
    assert 0.28 < len(paired[0]) / len(paired[0] | paired[1]) < 0.38
    assert 0.28 < len(dev.dilemmas) / (len(dev.dilemmas) + len(sealed.dilemmas)) < 0.38
