"""Making a corpus of a user's documents: copies below data/raw and an entry in params.yaml."""

import glob
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml.comments import CommentedMap
from tqdm import tqdm

from charter.documents.extraction import document_files, extract_document
from charter.project.errors import CharterError
from charter.project.params import PARAMS_FILE, load_params, parse_params
from charter.project.sections import Corpus, CorpusName
from charter.project.storage import write_text
from charter.project.yaml_text import amend_yaml, parse_yaml


def add_corpus(root: Path, name: str, sources: Sequence[str], title: str | None = None) -> Corpus:
    """Copy documents to data/raw/NAME and add the corpus to params.yaml, whose comments stay.

    The copies keep their names and the folders that they have below what all of them have in common.
    Every one is read before anything is changed, and a failure changes nothing.

    Args:
        root: The project's folder.
        name: Of the corpus: lower-case letters, digits, ``-`` and ``_``.
        sources: Files, folders or globs (``**`` for any folders), from the working directory.
        title: How prompts and reports call the documents; made from the name where there is none.

    Raises:
        CharterError: The name is taken or malformed, or a document can't be found or read.
    """
    try:
        TypeAdapter(CorpusName).validate_python(name)
    except ValidationError as error:
        message = f"{name}: not a corpus name; use lower-case letters, digits, - and _"
        raise CharterError(message) from error
    target = root / "data/raw" / name
    if name in load_params(root / PARAMS_FILE).corpora:
        raise CharterError(f"corpora.{name}: already in {PARAMS_FILE}; choose another name, or --replace")
    if target.exists():
        raise CharterError(f"{target}: exists already; remove it or choose another name")
    files = _read_files(sources)
    corpus = Corpus(path=f"data/raw/{name}", title=title or re.sub("[-_]+", " ", name).title())
    amended = _with_corpus(root / PARAMS_FILE, name, corpus)
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{name}.", dir=target.parent) as folder:
        copies = Path(folder) / name
        _copy(files, copies)
        copies.rename(target)
    try:
        write_text(root / PARAMS_FILE, amended)
    except BaseException:
        shutil.rmtree(target)
        raise
    return corpus


def replace_documents(root: Path, name: str, sources: Sequence[str]) -> Corpus:
    """Put copies of documents in the place of those that `add_corpus` copied; params.yaml stays as it is.

    Every one is read before anything is changed, and a failure changes nothing.

    Args:
        root: The project's folder.
        name: Of the corpus, which params.yaml has.
        sources: As for `add_corpus`; they may lie in the corpus's own folder.

    Raises:
        CharterError: The corpus has no folder of its own, or a document can't be found or read.
    """
    corpus, target = load_params(root / PARAMS_FILE).corpora[name], root / "data/raw" / name
    if root / corpus.path != target or not target.is_dir():
        raise CharterError(
            f"corpora.{name}.path: {corpus.path} is no folder that `charter add` made; put the new file "
            "there yourself"
        )
    files = _read_files(sources)
    with TemporaryDirectory(prefix=f".{name}.", dir=target.parent) as folder:
        copies, before = Path(folder) / name, Path(folder) / "before"
        _copy(files, copies)
        target.rename(before)
        try:
            copies.rename(target)
        except BaseException:
            before.rename(target)
            raise
    return corpus


def _read_files(sources: Sequence[str]) -> list[Path]:
    """List the files that the sources name, each once; all of them can be read."""
    files: dict[Path, None] = {}
    for source in sources:
        if Path(source).exists():
            found = document_files(Path(source))
        else:
            matching = sorted(glob.glob(source, recursive=True))  # noqa: PTH207  Path.glob takes no absolute pattern
            found = [Path(path) for path in matching if Path(path).is_file()]
        if not found:
            raise CharterError(f"{source}: no such file or folder, and no file matches it")
        files.update(dict.fromkeys(path.absolute() for path in found))
    if not files:
        raise CharterError("no documents given; name files, folders or globs")
    for file in tqdm(files, desc="Reading documents", unit="file", disable=None):
        extract_document(file, file.name)
    return list(files)


def _copy(files: Sequence[Path], folder: Path) -> None:
    common = Path(os.path.commonpath([file.parent for file in files]))
    for file in files:
        copy = folder / file.relative_to(common)
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(file, copy)
        except OSError as error:
            raise CharterError(f"{file}: can't be copied: {error.strerror}") from error


def _with_corpus(path: Path, name: str, corpus: Corpus) -> str:
    """The text of params.yaml with one more corpus at the end of ``corpora``."""

    def add(values: Any) -> None:
        entry = CommentedMap(corpus.model_dump())
        if values["corpora"]:
            # The blank line and the comment before the next section hang on the last value: they move along.
            last = list(values["corpora"].values())[-1]
            if after := last.ca.items.pop(list(last)[-1], None):
                entry.ca.items[list(entry)[-1]] = after
        values["corpora"][name] = entry

    text = amend_yaml(path.read_text(encoding="utf-8"), add)
    parse_params(parse_yaml(text), PARAMS_FILE)
    return text
