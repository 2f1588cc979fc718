"""Extraction of many pages against that of few: `python benchmarks/extraction.py`.

Documents are made up, the same for the same seed: most pages in PDFs of 1 to 400 pages with running headers
and page numbers, the others in Markdown, HTML and text; all have titles, sections and paragraphs. The stage
extract reads them, in a process of its own, once --few pages and once --pages. Peak memory is that
process's; seconds are those from its start to its end.
It needs what `make repro` left: the encoder, by which tokens are counted.

The last lines are JSON, one a comparison: name, ours (of --pages), peer (of --few), unit, and ratio, which is
ours / peer.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import count
from pathlib import Path
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from charter.project.params import PARAMS_FILE
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.storage import read_json, write_text
from charter.project.yaml_text import amend_yaml
from comparisons import print_comparison, run

ROOT = Path(__file__).parent.parent
ENCODER = ProjectPaths(ROOT).encoder
PAGES = 100_000
CORPUS = "generated"
SHARES = {"pdf": 0.7, "md": 0.1, "html": 0.1, "txt": 0.1}
"""Of the documents, by suffix."""

SECTIONS = 5
"""Of a chapter."""

PARAGRAPHS = 5
"""Of a section, which is a page."""

LINE = 90
"""Characters of a line of PDF and text."""

WORDS = (
    "every employee must report a gift to the manager before it is accepted and nobody shall be denied equal "
    "protection when they speak about work rights family safety records or payment in public unless the "
    "board of the company decides within seven days that a supplier may keep what was agreed"
)


@dataclass(frozen=True)
class Run:
    """What one extraction took, and its figures: the metrics of the stage."""

    seconds: float
    megabytes: float
    figures: dict[str, Any]


@dataclass(frozen=True)
class Page:
    """A page: the title of a section, which begins on it, and its paragraphs."""

    title: str
    paragraphs: list[str]


def main(arguments: list[str] | None = None) -> None:
    """Run both extractions and print the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=int, default=PAGES, help=f"the larger size, {PAGES:,} by default")
    parser.add_argument("--few", type=int, default=1000, help="the smaller size, 1,000 by default")
    parser.add_argument("--one", choices=sorted(WRITERS), help="put all pages in one document of this type")
    parser.add_argument("--seed", type=int, default=0, help="of what is made up, 0 by default")
    options = parser.parse_args(arguments)
    many, few = (extraction(pages, options.one, options.seed) for pages in (options.pages, options.few))
    figures = [
        ("peak memory", many.megabytes, few.megabytes, "MB"),
        ("speed", options.pages / many.seconds, options.few / few.seconds, "pages/s"),
        ("coverage", many.figures["coverage"], few.figures["coverage"], "least share of a document"),
    ]
    for name, *comparison in figures:
        print_comparison(f"{name}, {options.pages:,} pages against {options.few:,}", *comparison)


def extraction(pages: int, one: str | None, seed: int) -> Run:
    """Make up the documents, and run the stage on them in a project of their own."""
    with tempfile.TemporaryDirectory() as folder:
        paths = make_project(Path(folder))
        documents = write_documents(paths.root / "data/raw", pages, one, seed)
        run = run_stage(paths)
    sys.stdout.write(
        f"{pages:,} pages in {documents:,} documents: {run.seconds:.1f} s, {run.megabytes:.0f} MB, "
        f"{run.figures['chunks']:,} chunks, coverage {run.figures['coverage']:.4f}\n"
    )
    sys.stdout.flush()
    return run


def make_project(root: Path) -> CorpusPaths:
    """Make a project with the parameters of this one, whose only corpus is data/raw."""
    corpus = {CORPUS: {"path": "data/raw", "title": "Made-up guidelines"}}
    text = (ROOT / PARAMS_FILE).read_text(encoding="utf-8")
    write_text(root / PARAMS_FILE, amend_yaml(text, lambda values: values.update(corpora=corpus)))
    paths = ProjectPaths(root).corpus(CORPUS)
    paths.encoder.parent.mkdir(parents=True)
    paths.encoder.symlink_to(ENCODER)
    return paths


def run_stage(paths: CorpusPaths) -> Run:
    """Run the stage as dvc.yaml does, and measure its process."""
    command = [sys.executable, "-c", "from charter.cli import main; main()", "stage", "extract", CORPUS]
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=paths.root)  # noqa: S603  the command is ours
    # The usage of this child alone: RUSAGE_CHILDREN has the most of all children.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    # macOS counts bytes, Linux KiB.
    megabytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    return Run(seconds, megabytes, read_json(paths.metrics("extract")))


def write_documents(folder: Path, pages: int, one: str | None, seed: int) -> int:
    """Write documents with ``pages`` pages in all; return how many.

    Half of them have at most 8 pages, a tenth more than 50. With ``one`` there is one, of that type.
    """
    chance = random.Random(seed)  # noqa: S311  not for secrets
    folder.mkdir(parents=True)
    for number in count():
        if not pages:
            return number
        length = pages if one else min(pages, 400, round(chance.lognormvariate(2.1, 1.4)) or 1)
        (kind,) = [one] if one else chance.choices(list(SHARES), list(SHARES.values()))
        WRITERS[kind](folder / f"{number:06}.{kind}", f"Guideline {number}", make_up_pages(chance, length))
        pages -= length
    raise AssertionError


def make_up_pages(chance: random.Random, length: int) -> Iterator[Page]:
    """Go through ``length`` pages of a document, each with a section of its own."""
    for number in range(length):
        chapter, section = divmod(number, SECTIONS)
        title = f"{chapter + 1}.{section + 1} On {' '.join(chance.sample(WORDS.split(), 3))}"
        yield Page(title, [make_up_paragraph(chance) for _ in range(PARAGRAPHS)])


def make_up_paragraph(chance: random.Random) -> str:
    """Make up 3 to 5 sentences of 8 to 24 words."""
    words = WORDS.split()
    sentences = [
        " ".join(chance.choices(words, k=chance.randint(8, 24))) for _ in range(chance.randint(3, 5))
    ]
    return " ".join(f"{sentence.capitalize()}." for sentence in sentences)


def write_pdf(path: Path, name: str, pages: Iterator[Page]) -> None:
    """Write a PDF with a running header and page numbers."""
    canvas = Canvas(str(path), pagesize=A4)
    for number, page in enumerate(pages, start=1):
        canvas.drawString(72, A4[1] - 40, f"Acme Holding - {name}")
        text = canvas.beginText(72, A4[1] - 80)
        text.setFont("Helvetica-Bold", 13)
        text.textLine(page.title)
        text.setFont("Helvetica", 10)
        for paragraph in page.paragraphs:
            text.textLine()
            text.textLines("\n".join(wrapped(paragraph)))
        canvas.drawText(text)
        canvas.drawString(72, 36, f"Page {number}")
        canvas.showPage()
    canvas.save()


def wrapped(paragraph: str) -> Iterator[str]:
    """Go through the lines of a paragraph, of at most `LINE` characters; faster than textwrap."""
    start = 0
    while len(paragraph) - start > LINE:
        end = paragraph.rindex(" ", start, start + LINE + 1)
        yield paragraph[start:end]
        start = end + 1
    yield paragraph[start:]


def write_markdown(path: Path, name: str, pages: Iterator[Page]) -> None:
    """Write Markdown, a heading a page."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f"# {name}\n")
        for page in pages:
            file.write("\n\n".join(["", f"## {page.title}", *page.paragraphs, ""]))


def write_html(path: Path, name: str, pages: Iterator[Page]) -> None:
    """Write HTML, a heading a page."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f"<html><head><title>{escape(name)}</title></head><body><h1>{escape(name)}</h1>\n")
        for page in pages:
            file.write(f"<h2>{escape(page.title)}</h2>\n")
            file.writelines(f"<p>{escape(paragraph)}</p>\n" for paragraph in page.paragraphs)
        file.write("</body></html>\n")


def write_plain(path: Path, name: str, pages: Iterator[Page]) -> None:
    """Write text in lines, a form feed between pages."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{name}\n\n")
        for number, page in enumerate(pages):
            blocks = [page.title, *("\n".join(wrapped(paragraph)) for paragraph in page.paragraphs)]
            file.write(("\f" if number else "") + "\n\n".join(blocks) + "\n")


WRITERS: dict[str, Callable[[Path, str, Iterator[Page]], None]] = {
    "pdf": write_pdf,
    "md": write_markdown,
    "html": write_html,
    "txt": write_plain,
}


if __name__ == "__main__":
    run(main)
