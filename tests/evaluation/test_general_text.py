"""General texts cut into passages."""

from pathlib import Path

import pytest

from charter.evaluation.general_text import read_texts, split_passages
from charter.project.errors import CharterError


def test_passages_are_paragraphs_and_sentences_of_long_ones_and_nothing_is_lost() -> None:
    short, long = "It rained. Nobody went out.", " ".join(f"This is sentence {n} of many." for n in range(80))
    text = f"A title\n\n{short}\n\n\n{long}\n\n{'x' * 900} and no end\n"
    passages = split_passages(text)
    assert "".join(passages) == text
    assert passages[:2] == ["A title", f"\n\n{short}"]
    assert passages[-1].startswith("\n\nxxx")
    pieces = passages[2:-1]
    assert len(pieces) == 3
    assert all(piece.endswith("many.") and len(piece) <= 805 for piece in pieces)


def test_texts_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("Second.", encoding="utf-8")
    (tmp_path / "a.txt").write_text("First.\n\nStill first.", encoding="utf-8")
    assert read_texts(tmp_path) == [["First.", "\n\nStill first."], ["Second."]]


def test_no_texts_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(CharterError, match="no texts in it; `dvc repro fetch-prompts`"):
        read_texts(tmp_path / "nowhere")
