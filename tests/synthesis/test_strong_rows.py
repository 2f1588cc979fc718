"""The strong teacher's rows fit their passages, and give nothing away but what they advise."""

import pytest

from strong_teacher.check import CHUNKS, find_problems, read_language


@pytest.mark.parametrize("language", CHUNKS)
def test_rows_are_sound(language: str) -> None:
    assert list(find_problems(read_language(language))) == []


def test_what_is_wrong_is_found() -> None:
    rows = read_language("spa")
    chunk = rows.chunks[0]
    copied = chunk.scenarios[0].model_copy(
        update={"faithful": "Nadie será objeto de injerencias arbitrarias en su vida privada, su familia."}
    )
    pointing = chunk.questions[0].model_copy(update={"question": "¿Qué dice el artículo 12?"})
    broken = chunk.model_copy(
        update={
            "rules": [chunk.rules[0].model_copy(update={"quotation": "Todos pueden"}), *chunk.rules[1:]],
            "questions": [pointing, *chunk.questions[1:]],
            "scenarios": [copied, *chunk.scenarios[1:]],
        }
    )
    found = "\n".join(find_problems(rows.model_copy(update={"chunks": [broken, *rows.chunks[1:]]})))
    assert "not in the passage: Todos pueden" in found
    assert "points at the passage (artículo): ¿Qué dice el artículo 12?" in found
    assert "copied from the document: Nadie será objeto" in found
    assert "characters: Nadie será objeto" in found
