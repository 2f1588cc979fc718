"""Build the business conduct guidelines: `data/raw/bcg.md` becomes `data/raw/bcg.pdf`.

Run it from anywhere with `python scripts/build_bcg.py`. It needs reportlab (a development dependency) and
markdown-it-py (installed with rich). Building twice gives the same bytes: the PDF holds no clock time, its
streams are not compressed and its fonts are the standard ones of PDF.

The Markdown is a small subset: one `#` title, front-matter paragraphs up to the first chapter (company,
edition, classification, then notices), `##` chapters, `###` sections, paragraphs, bullet lists and pipe
tables.
"""

import argparse
import hashlib
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from reportlab.lib.colors import HexColor, white
from reportlab.lib.enums import TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    ListFlowable,
    ListItem,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)
from reportlab.platypus.tableofcontents import TableOfContents

RAW = Path(__file__).resolve().parent.parent / "data" / "raw"
SOURCE, TARGET = RAW / "bcg.md", RAW / "bcg.pdf"

WIDTH, HEIGHT = A4
MARGIN, TOP, BOTTOM = 25 * mm, 30 * mm, 26 * mm
TEXT_WIDTH = WIDTH - 2 * MARGIN
INK, ACCENT, RULE, TINT = HexColor("#1c2733"), HexColor("#17506b"), HexColor("#b9c6cf"), HexColor("#f1f5f7")

BODY = ParagraphStyle(
    "body",
    fontName="Times-Roman",
    fontSize=11,
    leading=15.5,
    spaceAfter=8,
    alignment=TA_JUSTIFY,
    textColor=INK,
    allowWidows=0,
    allowOrphans=0,
)
ITEM = ParagraphStyle("item", parent=BODY, spaceAfter=3, alignment=0)
CELL = ParagraphStyle("cell", parent=BODY, fontSize=9.5, leading=12, spaceAfter=0, alignment=0)
HEAD_CELL = ParagraphStyle("headcell", parent=CELL, fontName="Helvetica-Bold", fontSize=8.5, textColor=white)
CHAPTER = ParagraphStyle(
    "chapter",
    fontName="Helvetica-Bold",
    fontSize=18,
    leading=22,
    spaceBefore=22,
    spaceAfter=8,
    textColor=ACCENT,
    keepWithNext=1,
)
SECTION = ParagraphStyle("section", parent=CHAPTER, fontSize=12, leading=15, spaceBefore=10, spaceAfter=4)
CONTENTS = ParagraphStyle("contents", parent=CHAPTER, spaceBefore=0, spaceAfter=10)
TITLE = ParagraphStyle("title", parent=CHAPTER, fontSize=36, leading=42, spaceAfter=14)
COMPANY = ParagraphStyle(
    "company", parent=TITLE, fontName="Helvetica", fontSize=18, leading=24, textColor=INK
)
NOTICE = ParagraphStyle("notice", parent=BODY, alignment=0, rightIndent=30 * mm)
TOC_LEVELS = [
    ParagraphStyle(
        "toc0", fontName="Helvetica-Bold", fontSize=10, leading=15, spaceBefore=7, textColor=ACCENT
    ),
    ParagraphStyle(
        "toc1", parent=BODY, fontSize=10, leading=14.5, leftIndent=8 * mm, spaceAfter=0, alignment=0
    ),
]


@dataclass
class Guidelines:
    """The parsed source: its front matter and the flowables of its chapters."""

    title: str = ""
    front: list[str] = field(default_factory=list)
    story: list[Flowable] = field(default_factory=list)

    @property
    def imprint(self) -> str:
        """Edition and classification, as the footer shows them."""
        return " | ".join(self.front[1:3])


class Heading(Paragraph):  # type: ignore[misc]
    """A numbered chapter (level 0) or section (level 1) that the contents and the outline point to."""

    def __init__(self, level: int, number: str, text: str) -> None:
        super().__init__(f"{number}&nbsp;&nbsp;{text}", (CHAPTER, SECTION)[level])
        self.level, self.number, self.label = level, number, text


class Template(BaseDocTemplate):  # type: ignore[misc]
    """Title page, then pages with a running header, a footer, contents entries and outline entries."""

    def __init__(self, target: io.BytesIO, doc: Guidelines) -> None:
        super().__init__(
            target,
            pagesize=A4,
            title=f"{doc.title} of {doc.front[0]}",
            author=doc.front[0],
            subject=doc.imprint,
            lang="en-GB",
            invariant=1,
            pageCompression=0,
        )
        self.source, self.chapter, self.last_page = doc, "Contents", 0
        frame = Frame(MARGIN, BOTTOM, TEXT_WIDTH, HEIGHT - TOP - BOTTOM, 0, 0, 0, 0)
        self.addPageTemplates(
            [
                PageTemplate("title", [frame], onPage=self.draw_cover),
                PageTemplate("text", [frame], onPageEnd=self.draw_running),
            ]
        )

    def beforeDocument(self) -> None:  # noqa: N802 - reportlab's name
        """Reset what one pass leaves behind; `last_page` stays, for "Page N of M" in the next pass."""
        self.chapter = "Contents"

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - reportlab's name
        """Register each heading in the contents, the outline and the running header."""
        if not isinstance(flowable, Heading):
            return
        if flowable.level == 0:
            self.chapter = flowable.label
        text, key = f"{flowable.number}  {flowable.label}", f"s{flowable.number}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(text, key, flowable.level, closed=flowable.level == 0)
        self.notify("TOCEntry", (flowable.level, text, self.page, key))

    def draw_cover(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        """Draw the band along the left edge of the title page."""
        canvas.setFillColor(ACCENT)
        canvas.rect(0, 0, 12 * mm, HEIGHT, stroke=0, fill=1)

    def draw_running(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        """Draw the header and the footer of a text page."""
        self.last_page = max(self.last_page, self.page)
        right, high, low = WIDTH - MARGIN, HEIGHT - 20 * mm, 17 * mm
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(INK)
        canvas.drawString(MARGIN, high, f"{self.source.front[0]} {self.source.title}")
        canvas.drawRightString(right, high, self.chapter)
        canvas.drawString(MARGIN, low - 4 * mm, self.source.imprint)
        canvas.drawRightString(right, low - 4 * mm, f"Page {self.page} of {self.last_page}")
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, high - 2 * mm, right, high - 2 * mm)
        canvas.line(MARGIN, low, right, low)


def inline(node: SyntaxTreeNode) -> str:
    """Render inline Markdown as reportlab's paragraph markup."""
    tags = {"strong": "b", "em": "i"}
    if node.type in {"text", "softbreak"}:
        return escape(node.content) if node.type == "text" else " "
    inner = "".join(inline(child) for child in node.children)
    tag = tags.get(node.type)
    return f"<{tag}>{inner}</{tag}>" if tag else inner


def table(node: SyntaxTreeNode) -> Flowable:
    """Lay a pipe table out over the text width, columns in proportion to their widest cell."""
    rows = [[inline(cell) for cell in row.children] for part in node.children for row in part.children]
    columns = zip(*rows, strict=True)
    spans = [max(stringWidth(c, CELL.fontName, CELL.fontSize) for c in column) + 16 for column in columns]
    cells = [[Paragraph(c, HEAD_CELL if i == 0 else CELL) for c in row] for i, row in enumerate(rows)]
    return Table(
        cells,
        colWidths=[TEXT_WIDTH * span / sum(spans) for span in spans],
        repeatRows=1,
        spaceBefore=4,
        spaceAfter=12,
        style=TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, 0), ACCENT),
                ("ROWBACKGROUNDS", (0, 1), (-1, -1), [white, TINT]),
                ("LINEBELOW", (0, 0), (-1, -1), 0.5, RULE),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("TOPPADDING", (0, 0), (-1, -1), 3.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 4.5),
            ]
        ),
    )


def bullets(node: SyntaxTreeNode) -> Flowable:
    """Lay out a bullet list."""
    items = [ListItem(Paragraph(inline(item), ITEM)) for item in node.children]
    return ListFlowable(items, bulletType="bullet", bulletFontSize=9, leftIndent=14, spaceAfter=6)


def numbered(level: int, text: str, counts: list[int]) -> Iterator[Flowable]:
    """Number a heading; a chapter starts a page, a section needs room for its first lines."""
    counts[level] += 1
    if level == 0:
        counts[1] = 0
    yield CondPageBreak((HEIGHT - TOP - BOTTOM, 34 * mm)[level])
    yield Heading(level, ".".join(map(str, counts[: level + 1])), text)


def parse(markdown: str) -> Guidelines:
    """Turn the Markdown source into the title, the front matter and the flowables."""
    doc, counts = Guidelines(), [0, 0]
    blocks = {"table": table, "bullet_list": bullets}
    for node in SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(markdown)).children:
        text = inline(node)
        if node.type == "heading" and node.tag == "h1":
            doc.title = text
        elif node.type == "heading":
            doc.story.extend(numbered(int(node.tag[1]) - 2, text, counts))
        elif counts[0] == 0:
            doc.front.append(text)
        else:
            doc.story.append(
                KeepTogether(blocks[node.type](node)) if node.type in blocks else Paragraph(text, BODY)
            )
    return doc


def render(doc: Guidelines) -> bytes:
    """Set the document and return the PDF."""
    company, *imprint = doc.front[:3]
    cover = [
        Spacer(1, 62 * mm),
        Paragraph(doc.title, TITLE),
        Paragraph(company, COMPANY),
        *(Paragraph(line, NOTICE) for line in imprint),
        Spacer(1, 62 * mm),
        *(Paragraph(line, NOTICE) for line in doc.front[3:]),
    ]
    tight = TableStyle(
        [(f"{side}PADDING", (0, 0), (-1, -1), 0) for side in ("TOP", "BOTTOM", "LEFT", "RIGHT")]
    )
    contents = TableOfContents(levelStyles=TOC_LEVELS, dotsMinLevel=1, tableStyle=tight)
    start = [NextPageTemplate("text"), PageBreak(), Paragraph("Contents", CONTENTS), contents, PageBreak()]
    target = io.BytesIO()
    Template(target, doc).multiBuild([*cover, *start, *doc.story])
    return target.getvalue()


def main() -> None:
    """Build the PDF and report its size and digest."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    pdf = render(parse(SOURCE.read_text(encoding="utf-8")))
    TARGET.write_bytes(pdf)
    sys.stdout.write(f"{TARGET}: {len(pdf)} bytes, sha256 {hashlib.sha256(pdf).hexdigest()}\n")


if __name__ == "__main__":
    main()
