"""Dividing an exam: by section, seeded, pairs together, and no section ever changes its part."""

import pytest

from charter.evaluation.exam_split import Exam, read_seal, seal_exam, write_seal
from charter.project.errors import CharterError
from exam_rows import corpus_in, dilemma_of, pair_of, question_of, sample_exam


def exam(sections: int = 9) -> Exam:
    return Exam(*sample_exam(sections))


def test_a_third_of_the_sections_is_dev_and_the_seed_decides_which() -> None:
    first, again, other = (seal_exam(exam(), seed) for seed in (1, 1, 2))
    assert first == again
    assert (len(first.dev), len(first.sealed)) == (3, 6)
    assert first.dev != other.dev


def test_kinds_are_divided_evenly_where_sections_differ() -> None:
    """Three sections have all the situations: one of them must be dev."""
    questions = [question_of(f"s-{number}", f"S {number}", kind="situation") for number in range(3)]
    questions += [question_of(f"f-{number}", f"F {number}") for number in range(6)]
    for seed in range(5):
        dev = seal_exam(Exam(questions, []), seed).dev
        assert sorted(name[0] for name in dev) == ["F", "F", "S"]


def test_sections_that_a_pair_ties_go_together() -> None:
    questions, dilemmas = sample_exam(9)
    dilemmas += [*pair_of("tie", "Part 0", "Part 1"), *pair_of("tie too", "Part 1", "Part 2")]
    for seed in range(5):
        seal = seal_exam(Exam(questions, dilemmas), seed)
        assert len({name in seal.dev for name in ("Part 0", "Part 1", "Part 2")}) == 1


def test_a_section_keeps_its_part_and_new_ones_are_drawn() -> None:
    before = seal_exam(exam(6), seed=1)
    after = seal_exam(exam(12), seed=2, before=before)
    assert set(before.dev) < set(after.dev)
    assert set(before.sealed) < set(after.sealed)
    assert len(after.dev) == 4


def test_a_pair_over_both_parts_is_refused() -> None:
    before = seal_exam(exam(6), seed=1)
    questions, dilemmas = sample_exam(6)
    dilemmas += pair_of("tie", before.dev[0], before.sealed[0])
    with pytest.raises(CharterError, match="a minimal pair ties a dev section to a sealed one"):
        seal_exam(Exam(questions, dilemmas), seed=1, before=before)


def test_one_section_cannot_be_divided() -> None:
    with pytest.raises(CharterError, match="items of at least two sections"):
        seal_exam(Exam([question_of("q")], [dilemma_of("d")]), seed=1)


def test_the_hash_is_of_the_sealed_text_and_not_of_its_order() -> None:
    whole = exam()
    turned = Exam(list(reversed(whole.questions)), list(reversed(whole.dilemmas)))
    assert whole.sha256() == turned.sha256()
    changed = [whole.questions[0].model_copy(update={"quote": "Another."}), *whole.questions[1:]]
    assert Exam(changed, whole.dilemmas).sha256() != whole.sha256()


def test_a_seal_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = corpus_in(tmp_path_factory.mktemp("project")).exam_seal
    questions = [question_of(name, name) for name in ("It's: a 'section'", "# 2", "no", "4")]
    seal = seal_exam(Exam(questions, []), seed=1)
    write_seal(path, seal)
    assert read_seal(path) == seal
