"""From files to `Document` rows: kreuzberg reads, this module says which files and what went wrong."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kreuzberg import (
    ExtractionConfig,
    ExtractionResult,
    KreuzbergError,
    PageConfig,
    extract_bytes_sync,
)
from tqdm import tqdm

from charter.documents.cleaning import remove_contents, remove_running_lines
from charter.documents.headings import StyledText, mark_headings
from charter.documents.lines import Line
from charter.documents.markdown import plain_markdown
from charter.documents.reflow import reflow
from charter.errors import CharterError
from charter.records import Document, content_id
from charter.storage import file_sha256

Text = tuple[str, tuple[int, ...]]
"""A text, and the offsets at which its pages begin."""

_PAGE_MARK = "\ue000"
_ENTITIES = {b"&amp;": "\ue001", b"&lt;": "\ue002", b"&gt;": "\ue003"}


def extract_documents(path: Path) -> Iterator[Document]:
    """Read a file, or all files below a folder in the order of their names; hidden files are ignored.

    A document's name is its path below the folder, so that files of the same name stay apart.

    Raises:
        CharterError: A file is missing, empty, without text, encrypted, corrupt or of an unsupported
            type, or a link leads out of the folder; or the folder has no files.
    """
    for file in tqdm(document_files(path), desc="Reading documents", unit="file", disable=None):
        yield extract_document(file, file.relative_to(path).as_posix() if path.is_dir() else file.name)


def extract_document(file: Path, name: str) -> Document:
    """Read one file to clean text; ``name`` is what the document is called.

    Raises:
        CharterError: The file is missing, empty, without text, encrypted, corrupt or of an unsupported type.
    """
    text, page_starts = _read(file)
    sha256 = file_sha256(file)
    return Document(id=content_id(name, sha256), name=name, sha256=sha256, text=text, page_starts=page_starts)


def document_files(path: Path) -> list[Path]:
    """List the file, or the files below the folder, that make a corpus.

    Raises:
        CharterError: There is nothing, or a link leads out of the folder.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise CharterError(f"{path}: no such file or folder")
    files = []
    for item in sorted(path.rglob("*")):
        if any(part.startswith(".") for part in item.relative_to(path).parts):
            continue
        if item.is_symlink() and not item.resolve().is_relative_to(path.resolve()):
            raise CharterError(f"{item}: this link leads out of {path}; put a copy of the file in its place")
        if item.is_file():
            files.append(item)
    if not files:
        raise CharterError(f"{path}: no files in this folder; put documents in it")
    return files


def _read(file: Path) -> Text:
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(_READERS))
        raise CharterError(f"{file}: unsupported type {file.suffix or '(no suffix)'}; supported: {known}")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise CharterError(f"{file}: can't be read: {error.strerror}") from error
    if not data.strip():
        raise CharterError(f"{file}: the file is empty; remove or replace it")
    try:
        text, page_starts = reader(data)
    except KreuzbergError as error:
        raise CharterError(f"{file}: {_explain(error)}") from error
    except UnicodeDecodeError as error:
        raise CharterError(f"{file}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except zipfile.BadZipFile as error:
        raise CharterError(f"{file}: corrupt or not what its suffix says: {error}") from error
    if not text.strip():
        raise CharterError(f"{file}: no text in it; if it is a scan, run OCR first (for example ocrmypdf)")
    return text, page_starts


def _explain(error: KreuzbergError) -> str:
    if "password" in error.message.lower() or "encrypt" in error.message.lower():
        return "encrypted; save a copy without a password"
    return f"corrupt or not what its suffix says: {error.message}"


def _extract(data: bytes, mime_type: str, **options: Any) -> ExtractionResult:
    # The library's cache is off: it lies in the home folder and outlives a changed version.
    config = ExtractionConfig(use_cache=False, output_format="markdown", **options)
    return extract_bytes_sync(data, mime_type, config)


def _read_pdf(data: bytes) -> Text:
    """Read a PDF from its pages' lines; the library's own Markdown runs headers and rows together."""
    result = _extract(
        data, "application/pdf", include_document_structure=True, pages=PageConfig(extract_pages=True)
    )
    pages = [page["content"] for page in result.pages or []]
    nodes = result.document["nodes"] if result.document else []
    styled = [
        StyledText(page - 1, tuple(lines), node["content"]["level"])
        for node in nodes
        if node["content"]["node_type"] == "heading"
        and (page := node.get("page"))
        and (lines := [_squeeze(line) for line in node["content"]["text"].splitlines() if line.strip()])
    ]
    return _compose(pages, styled)


def _read_plain(data: bytes) -> Text:
    pages = data.decode("utf-8-sig").split("\f")
    text, page_starts = _compose(pages, [])
    return text, page_starts if len(pages) > 1 else ()


def _compose(pages: list[str], styled: list[StyledText]) -> Text:
    """Make clean running text of the lines of pages."""
    lines = [Line(_squeeze(line), number) for number, page in enumerate(pages) for line in page.split("\n")]
    lines, contents = remove_contents(remove_running_lines(lines))
    # A wrapped heading may begin with a running line that was removed from above it.
    present = {(line.page, line.text) for line in lines}
    kept = [
        StyledText(style.page, texts, style.level)
        for style in styled
        if (texts := tuple(text for text in style.lines if (style.page, text) in present))
    ]
    return reflow(mark_headings(lines, contents, kept), len(pages))


def _squeeze(line: str) -> str:
    return " ".join(line.split())


def _read_markdown(data: bytes) -> Text:
    """Read Markdown, which is text already; the library loses items of nested lists."""
    return plain_markdown(data.decode("utf-8-sig").replace("\r\n", "\n")), ()


def _read_html(data: bytes) -> Text:
    content = _extract(data, "text/html").content
    # The library renders what it read in <head> as front matter, and that as a rule and a heading.
    return _without_contents(re.sub(r"\A---\n\n## [\w-]+: .*\n", "", content)), ()


def _read_epub(data: bytes) -> Text:
    return _without_contents(_extract(data, "application/epub+zip").content), ()


def _read_docx(data: bytes) -> Text:
    """Read a Word document; the library drops ``&``, ``<`` and ``>``, so they go through it in disguise."""
    content = _extract(
        _disguise_entities(data), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    ).content
    for entity, disguise in zip("&<>", _ENTITIES.values(), strict=True):
        content = content.replace(disguise, entity)
    return _without_contents(content), ()


def _disguise_entities(data: bytes) -> bytes:
    disguised = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(disguised, "w") as target:
        for member in source.infolist():
            content = source.read(member)
            if re.fullmatch(r"word/(document|footnotes|endnotes)\.xml", member.filename):
                for entity, disguise in _ENTITIES.items():
                    content = content.replace(entity, disguise.encode())
            target.writestr(member.filename, content)
    return disguised.getvalue()


def _read_pptx(data: bytes) -> Text:
    """Read slides; a slide is a page."""
    content = _extract(
        data,
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        pages=PageConfig(insert_page_markers=True, marker_format=f"\n\n{_PAGE_MARK}\n\n"),
    ).content
    text = ""
    page_starts = []
    for slide in content.split(_PAGE_MARK)[1:]:
        page_starts.append(len(text))
        text += plain_markdown(slide) + "\n"
    return (text, tuple(page_starts)) if text.strip() else ("", ())


def _without_contents(markdown: str) -> str:
    """Clean the Markdown of a format without pages."""
    lines = [Line(line, 0) for line in plain_markdown(markdown).split("\n")]
    kept, _ = remove_contents(lines)
    return "\n".join(line.text for line in kept).strip() + "\n"


_READERS: dict[str, Callable[[bytes], Text]] = {
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
