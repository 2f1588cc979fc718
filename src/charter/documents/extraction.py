"""From files to `Document` rows: which files there are, and what is wrong with one that can't be read."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from kreuzberg import ExtractionConfig, KreuzbergError, LanguageDetectionConfig, extract_bytes_sync
from tqdm import tqdm

from charter.documents import formats
from charter.documents.formats import READERS, Reading, UnreadableError
from charter.project.errors import CharterError
from charter.project.records import Document, content_id
from charter.project.storage import file_sha256

_LANGUAGE_SAMPLE = 20_000


def extract_documents(path: Path, language: str | None = None) -> Iterator[Document]:
    """Read a file, or all files below a folder, as `document_files` and `extract_document` do.

    A document's name is its path below the folder, so that files of the same name stay apart.
    """
    for file in tqdm(document_files(path), desc="Reading documents", unit="file", disable=None):
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        yield extract_document(file, name, language)


def extract_document(file: Path, name: str, language: str | None = None) -> Document:
    """Read one file to clean text; ``name`` is what the document is called.

    Its ``language`` is found out where it isn't given, by its ISO 639-3 code.

    Raises:
        CharterError: The file is missing, empty, without text, encrypted, corrupt or of an unsupported type.
    """
    reading = _read(file)
    sha256 = file_sha256(file)
    return Document(
        id=content_id(name, sha256),
        name=name,
        sha256=sha256,
        text=reading.text,
        page_starts=reading.page_starts,
        language=language or _detect_language(reading.text),
        body=max(reading.letters - reading.running - reading.contents, 0),
        running=reading.running,
        contents=reading.contents,
    )


def document_files(path: Path) -> list[Path]:
    """List the file, or the files below the folder in the order of their names, without hidden ones.

    Raises:
        CharterError: There is nothing, or a link leads out of the folder.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        what = "not a file or a folder" if path.exists() else "no such file or folder"
        raise CharterError(f"{path}: {what}")
    files = []
    for item in sorted(path.rglob("*")):
        if any(part.startswith(".") for part in item.relative_to(path).parts):
            continue
        if item.is_symlink():
            _check_link(item, path)
        if item.is_file():
            files.append(item)
    if not files:
        raise CharterError(f"{path}: no files in this folder; put documents in it")
    return files


def _check_link(link: Path, folder: Path) -> None:
    try:
        inside = link.resolve(strict=True).is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:
        raise CharterError(f"{link}: this link leads nowhere; remove it") from error
    if not inside:
        raise CharterError(f"{link}: this link leads out of {folder}; put a copy of the file in its place")


def _read(file: Path) -> Reading:
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(READERS))
        raise CharterError(f"{file}: unsupported type {file.suffix or '(no suffix)'}; supported: {known}")
    try:
        reading = reader(_read_bytes(file))
    except (KreuzbergError, UnicodeDecodeError, zipfile.BadZipFile, UnreadableError) as error:
        raise CharterError(f"{file}: {_explain(error)}") from error
    if not any(map(str.isalnum, reading.text)):
        scan = file.suffix.lower() == ".pdf"
        remedy = "if it is a scan, run OCR first (for example ocrmypdf)" if scan else "remove or replace it"
        raise CharterError(f"{file}: no text in it; {remedy}")
    return reading


def _read_bytes(file: Path) -> bytes:
    try:
        str(file).encode()
    except UnicodeEncodeError as error:
        raise CharterError(f"{os.fsencode(file)!r}: the name isn't UTF-8; rename the file") from error
    try:
        if (size := file.stat().st_size) > formats.LARGEST_FILE:
            raise CharterError(f"{file}: has {size:,} bytes, more than {formats.LARGEST_FILE:,}; split it")
        data = file.read_bytes()
    except OSError as error:
        raise CharterError(f"{file}: can't be read: {error.strerror}") from error
    if not data.strip():
        raise CharterError(f"{file}: the file is empty; remove or replace it")
    return data


def _explain(error: Exception) -> str:
    if isinstance(error, UnreadableError):
        return str(error)
    if isinstance(error, UnicodeDecodeError):
        remedy = "if it is text, save it as UTF-8, for example with iconv -f WINDOWS-1252 -t UTF-8"
        return f"not UTF-8 (byte {error.start}); {remedy}"
    message = error.message if isinstance(error, KreuzbergError) else str(error)
    if "password" in message.lower() or "encrypt" in message.lower():
        return "encrypted; save a copy without a password"
    return f"corrupt or not what its suffix says: {message}"


def _detect_language(text: str) -> str | None:
    config = ExtractionConfig(
        use_cache=False, language_detection=LanguageDetectionConfig(enabled=True, detect_multiple=False)
    )
    sample = text[:_LANGUAGE_SAMPLE].encode()
    languages = extract_bytes_sync(sample, "text/plain", config).detected_languages
    return languages[0] if languages else None
