"""The benchmark of extraction: the documents it makes up, and that many pages are compared with few."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from charter.documents.extraction import extract_documents
from charter.project.paths import ProjectPaths


@pytest.fixture
def benchmark(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("benchmarks/extraction")


def test_documents_are_of_all_types_and_as_long_as_asked(benchmark: ModuleType, tmp_path: Path) -> None:
    count = benchmark.write_documents(tmp_path / "first", 300, None, seed=0)
    documents = list(extract_documents(tmp_path / "first"))
    assert len(documents) == count
    assert {Path(document.name).suffix for document in documents} == {".pdf", ".md", ".html", ".txt"}
    sections = [re.findall(r"^#+ \d+\.\d+ On ", document.text, re.MULTILINE) for document in documents]
    assert sum(map(len, sections)) == 300
    for document, found in zip(documents, sections, strict=True):
        assert len(document.page_starts) in (0, len(found))
        assert "Acme Holding" not in document.text or len(found) < 3


def test_documents_are_the_same_for_the_same_seed(benchmark: ModuleType, tmp_path: Path) -> None:
    texts = []
    for folder, seed in (("first", 0), ("again", 0), ("other", 1)):
        benchmark.write_documents(tmp_path / folder, 30, None, seed)
        texts.append([document.text for document in extract_documents(tmp_path / folder)])
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.models
@pytest.mark.parametrize("one", [None, "txt"])
def test_many_pages_are_compared_with_few(
    benchmark: ModuleType,
    base_models: ProjectPaths,
    one: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(benchmark, "ENCODER", base_models.encoder)
    benchmark.main(["--pages", "40", "--few", "8", *(["--one", one] if one else [])])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [line["unit"] for line in lines] == ["MB", "pages/s", "least share of a document"]
    memory, speed, coverage = lines
    for line in lines:
        assert "40 pages against 8" in line["name"]
        assert line["ratio"] == pytest.approx(line["ours"] / line["peer"], rel=0.01)
    assert memory["peer"] > 50
    assert speed["ours"] > speed["peer"]
    assert coverage["ours"] > 0.95
