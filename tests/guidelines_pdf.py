"""Real PDFs for the tests: title page, contents, running lines, chapters that go over pages."""

import random
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    ListFlowable,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
)
from reportlab.platypus.tableofcontents import TableOfContents

STYLES = getSampleStyleSheet()
SUBJECTS = ["An employee", "The manager", "Each supplier", "Our ethics office", "Nobody", "A contractor"]
VERBS = ["reports", "records", "refuses", "returns", "discloses", "approves", "reviews"]
OBJECTS = ["gifts", "payments", "conflicts", "invitations", "complaints", "shares", "tenders", "visits"]
ENDS = ["in writing", "within a week", "before the deadline", "without delay", "to the board", "every year"]


def sentences(seed: int, count: int) -> list[str]:
    """Sentences, each marked with a number that no other has."""
    chance = random.Random(seed)
    return [
        f"{chance.choice(SUBJECTS)} {chance.choice(VERBS)} {chance.choice(OBJECTS)} and "
        f"{chance.choice(OBJECTS)} {chance.choice(ENDS)}, says rule R{seed}x{number}."
        for number in range(count)
    ]


class _Guidelines(BaseDocTemplate):
    """Numbered chapters and sections, with a table of contents where there are running lines."""

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802
        if isinstance(flowable, Paragraph) and flowable.style.name in ("Heading1", "Heading2"):
            level = int(flowable.style.name[-1]) - 1
            self.notify("TOCEntry", (level, flowable.getPlainText(), self.page))


def _draw_running_lines(canvas: Canvas, template: BaseDocTemplate) -> None:
    canvas.drawString(72, A4[1] - 40, "Acme Holding - Business Conduct Guidelines")
    canvas.drawString(72, 36, f"Edition 3 of 2026, page {template.page}")


def write_guidelines(path: Path, chapters: int = 5) -> list[str]:
    """Write the PDF; return all its sentences."""
    frame = Frame(72, 72, A4[0] - 144, A4[1] - 144)
    template = _Guidelines(str(path), pagesize=A4)
    template.addPageTemplates(
        [PageTemplate("title", [frame]), PageTemplate("body", [frame], onPage=_draw_running_lines)]
    )
    contents = TableOfContents()
    contents.dotsMinLevel = 0
    story: list[Flowable] = [
        Spacer(1, 200),
        Paragraph("Business Conduct Guidelines", STYLES["Title"]),
        NextPageTemplate("body"),
        PageBreak(),
        Paragraph("Contents", STYLES["Heading3"]),
        contents,
        PageBreak(),
    ]
    written = []
    for chapter in range(1, chapters + 1):
        story.append(Paragraph(f"{chapter}. Chapter on {OBJECTS[chapter]}", STYLES["Heading1"]))
        for section in (1, 2):
            story.append(
                Paragraph(f"{chapter}.{section} How {OBJECTS[chapter]} are handled", STYLES["Heading2"])
            )
            for part in range(3):
                group = sentences(100 * chapter + 10 * section + part, 8)
                written += group
                story += [Paragraph(" ".join(group), STYLES["Normal"]), Spacer(1, 6)]
        items = sentences(1000 + chapter, 3)
        written += items
        story.append(ListFlowable([Paragraph(item, STYLES["Normal"]) for item in items], bulletType="bullet"))
    template.multiBuild(story)
    return written


def write_plain_pdf(path: Path, texts: list[str]) -> None:
    """Write paragraphs in one type, without headings."""
    template = BaseDocTemplate(str(path), pagesize=A4)
    template.addPageTemplates([PageTemplate("body", [Frame(72, 72, A4[0] - 144, A4[1] - 144)])])
    template.build(
        [flowable for text in texts for flowable in (Paragraph(text, STYLES["Normal"]), Spacer(1, 6))]
    )
