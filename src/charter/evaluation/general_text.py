"""General English texts, on which perplexity shows what is left of a model's language."""

import re
from pathlib import Path

from charter.project.errors import CharterError

_LONGEST = 800
"""Characters of a passage that has several sentences: some 170 tokens."""

_PARAGRAPH = re.compile(r"\s*\S.*?(?=\n\s*\n|\Z)", re.DOTALL)
_PASSAGE = re.compile(rf"\s*\S(?:.{{0,{_LONGEST}}}|.+?)(?:(?<=[.!?])(?=\s)|\Z)", re.DOTALL)


def read_texts(folder: Path) -> list[list[str]]:
    """Read the texts of a folder, each as its passages.

    Raises:
        CharterError: There is no such folder, or no text in it.
    """
    texts = [split_passages(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.txt"))]
    if not texts:
        raise CharterError(f"{folder}: no texts in it; `dvc repro fetch-prompts` puts them there")
    return texts


def split_passages(text: str) -> list[str]:
    """Cut a text into paragraphs, and a long paragraph behind sentences; together they are the text.

    Passages are what is resampled: words of one depend on each other more than on those of others.
    """
    return [passage for paragraph in _PARAGRAPH.findall(text) for passage in _PASSAGE.findall(paragraph)]
