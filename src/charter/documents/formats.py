"""From the bytes of a file to clean text: kreuzberg reads, what only pages have is removed here."""

import codecs
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from kreuzberg import ExtractionConfig, ExtractionResult, PageConfig, extract_bytes_sync

from charter.documents.cleaning import remove_contents, remove_running_lines
from charter.documents.headings import StyledText, mark_headings
from charter.documents.lines import TextLine, bullet_end, clean_characters, count_letters
from charter.documents.markdown import looks_like_markdown, plain_markdown
from charter.documents.notes import RAISED_BEGINS, RAISED_ENDS, raise_marks
from charter.documents.reflow import reflow

LARGEST_FILE = 256 * 2**20
"""Bytes of the largest file that is read, on the disk and unpacked; it is held in memory, several times."""

_UNDERLINE = re.compile(r"([=~*^#+-])\1{2,}")
_PAGE_MARK = "\ue000"
_BODY_MARK = "charterbodybegins"
_BODY_TAG = re.compile(rb"<body\b[^>]*>", re.IGNORECASE)
_SUP_TAG = re.compile(rb"<(/?)sup(?:\s[^>]*)?>", re.IGNORECASE)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NO_TEXT = "not text (it has null characters); remove or replace it"
_ESCAPED, _DISGUISES = "&<>", "\ue001\ue002\ue003"


class UnreadableError(Exception):
    """What is wrong with the bytes of a file, and what to do."""


class Reading(NamedTuple):
    """A file as read: its clean text, and where its pages begin.

    ``letters`` counts letters and digits before cleaning, ``running`` and ``contents`` those of them that
    were removed as running lines and tables of contents.
    """

    text: str
    letters: int
    page_starts: tuple[int, ...] = ()
    running: int = 0
    contents: int = 0


def _extract(data: bytes, mime_type: str, **options: Any) -> ExtractionResult:
    # The library's cache is off: it lies in the home folder and outlives a changed version.
    config = ExtractionConfig(use_cache=False, output_format="markdown", **options)
    return extract_bytes_sync(data, mime_type, config)


def _read_pdf(data: bytes) -> Reading:
    """Read a PDF from its pages' lines; the library's own Markdown runs headers and rows together."""
    result = _extract(
        data, "application/pdf", include_document_structure=True, pages=PageConfig(extract_pages=True)
    )
    pages = raise_marks([page["content"] for page in result.pages or []])
    nodes = result.document["nodes"] if result.document else []
    styled = [
        StyledText(page - 1, tuple(lines), node["content"]["level"])
        for node in nodes
        if node["content"]["node_type"] == "heading"
        and (page := node.get("page"))
        and (lines := [_squeeze(line) for line in node["content"]["text"].splitlines() if line.strip()])
    ]
    return _compose(pages, styled)


def _read_plain(data: bytes) -> Reading:
    source = _decode(data)
    pages = source.split("\f")
    if len(pages) == 1 and looks_like_markdown(source):
        return _read_markdown(data)
    reading = _compose(pages, [])
    return reading if len(pages) > 1 else reading._replace(page_starts=())


def _mark_underlined(lines: list[TextLine]) -> list[TextLine]:
    """Give underlined titles their level; the sign that comes first is the highest, as in reST."""
    signs: list[str] = []
    marked = lines[:]
    for index, (title, below) in enumerate(pairwise(lines)):
        above = lines[index - 1].text if index else ""
        fits = 0 < len(title.text) <= 1.25 * len(below.text) and above in ("", below.text)
        if fits and _UNDERLINE.fullmatch(below.text) and not (title.ends_sentence or bullet_end(title.text)):
            signs += [] if below.text[0] in signs else [below.text[0]]
            marked[index] = replace(title, level=min(signs.index(below.text[0]) + 1, 6))
            marked[index + 1] = replace(below, text="")
            if index:
                marked[index - 1] = replace(lines[index - 1], text="")
    return marked


def _decode(data: bytes) -> str:
    """Decode UTF-8, or UTF-16 that says so; line ends become newlines."""
    text = data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    if "\0" in text:
        raise UnreadableError(_NO_TEXT)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _compose(pages: list[str], styled: list[StyledText]) -> Reading:
    """Make clean running text of the lines of pages."""
    read = [
        TextLine(_squeeze(line), number) for number, page in enumerate(pages) for line in page.split("\n")
    ]
    without_running = remove_running_lines(read)
    lines, contents = remove_contents(_mark_underlined(without_running))
    text, page_starts = reflow(mark_headings(lines, contents, styled), len(pages))
    total, body_and_contents, body = (_count_lines(part) for part in (read, without_running, lines))
    return Reading(text, total, page_starts, total - body_and_contents, body_and_contents - body)


def _count_lines(lines: Sequence[TextLine]) -> int:
    return sum(count_letters(line.text) for line in lines)


def _squeeze(line: str) -> str:
    return " ".join(clean_characters(line).split())


def _read_markdown(data: bytes) -> Reading:
    """Read Markdown, which is text already; the library loses items of nested lists."""
    return Reading(*plain_markdown(_decode(data)))


def _read_html(data: bytes) -> Reading:
    if b"\0" in data and not data.startswith(_UTF16):
        raise UnreadableError(_NO_TEXT)
    # The library renders <head> before the body, as a rule and a heading: the mark parts them.
    marked = _BODY_TAG.sub(rb"\g<0><p>" + _BODY_MARK.encode() + b"</p>", _mark_raised(data), count=1)
    content = _extract(marked, "text/html").content
    _, mark, body = content.partition(_BODY_MARK)
    return _without_contents(body if mark else content)


def _read_epub(data: bytes) -> Reading:
    _check_archive(data)
    marked = _rewrite(data, r".*\.x?html?", _mark_raised)
    return _without_contents(_extract(marked, "application/epub+zip").content)


def _mark_raised(html: bytes) -> bytes:
    """Put marks about raised text, whose tags the library drops: "10<sup>2</sup>" became 102."""
    marks = {b"": f"&#{ord(RAISED_BEGINS)};".encode(), b"/": f"&#{ord(RAISED_ENDS)};".encode()}
    return _SUP_TAG.sub(lambda tag: marks[tag[1]], html)


def _read_docx(data: bytes) -> Reading:
    """Read a Word document; the library drops ``&``, ``<`` and ``>``, so they go through it in disguise."""
    _check_archive(data)
    disguised = _rewrite(data, r"word/(document|footnotes|endnotes)\.xml", _disguise_entities)
    content = _extract(
        disguised, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    ).content
    return _without_contents(content.translate(str.maketrans(_DISGUISES, _ESCAPED)))


def _check_archive(data: bytes) -> None:
    """Refuse an archive that can't be or must not be unpacked."""
    if data.startswith(_OLE):
        raise UnreadableError("encrypted, or of an older format; save it anew, without a password")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableError("encrypted; save a copy without a password")
    if (size := sum(member.file_size for member in members)) > LARGEST_FILE:
        raise UnreadableError(f"has {size:,} bytes when unpacked, more than {LARGEST_FILE:,}; split it")


def _disguise_entities(content: bytes) -> bytes:
    for character, disguise in zip(_ESCAPED, _DISGUISES, strict=True):
        content = content.replace(escape(character).encode(), disguise.encode())
    return content


def _rewrite(data: bytes, names: str, change: Callable[[bytes], bytes]) -> bytes:
    """Change the members of an archive whose names match."""
    rewritten = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(rewritten, "w") as target:
        for member in source.infolist():
            content = source.read(member)
            target.writestr(
                member.filename, change(content) if re.fullmatch(names, member.filename) else content
            )
    return rewritten.getvalue()


def _read_pptx(data: bytes) -> Reading:
    """Read slides; a slide is a page."""
    _check_archive(data)
    content = _extract(
        data,
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        pages=PageConfig(insert_page_markers=True, marker_format=f"\n\n{_PAGE_MARK}\n\n"),
    ).content
    slides = [plain_markdown(slide, rendered=True) for slide in content.split(_PAGE_MARK)[1:]]
    texts = [f"{text}\n" for text, _ in slides]
    starts = accumulate(map(len, texts[:-1]), initial=0)
    return Reading("".join(texts), sum(letters for _, letters in slides), tuple(starts))


def _without_contents(markdown: str) -> Reading:
    """Clean the Markdown of a format without pages."""
    plain, letters = plain_markdown(markdown, rendered=True)
    lines = [TextLine(line, 0) for line in plain.split("\n")]
    kept, _ = remove_contents(lines)
    text = "\n".join(line.text for line in kept).strip() + "\n"
    return Reading(text, letters, contents=_count_lines(lines) - _count_lines(kept))


READERS: dict[str, Callable[[bytes], Reading]] = {
    ".pdf": _read_pdf,
    ".docx": _read_docx,
    ".pptx": _read_pptx,
    ".html": _read_html,
    ".htm": _read_html,
    ".xhtml": _read_html,
    ".epub": _read_epub,
    ".md": _read_markdown,
    ".markdown": _read_markdown,
    ".txt": _read_plain,
}
