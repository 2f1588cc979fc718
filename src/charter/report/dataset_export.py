"""The data of corpora as a folder that Hugging Face `datasets` loads: Parquet and a data card."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from datasets import Dataset, Features, List, Value, disable_progress_bars

from charter.project.errors import CharterError
from charter.project.params import PARAMS_FILE, Params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.pinned_files import read_pinned
from charter.project.records import SPLITS, Chunk, InstructExample, Kind, PreferencePair
from charter.project.storage import file_sha256, read_json, write_json, write_text
from charter.report.dataset_card import (
    MANIFEST,
    DataFile,
    ExportedCorpus,
    config_name,
    count_rows,
    dataset_card,
)
from charter.report.pipeline_state import git_revision, outdated_stages, recorded_stages
from charter.synthesis.coverage import measure_coverage, summarize_coverage
from charter.synthesis.synthetic_data import SyntheticData, read_synthetic_data

_MESSAGES = List({"role": Value("string"), "content": Value("string")})
_SOURCE = {
    "chunk_id": Value("string"),
    "document": Value("string"),
    "document_sha256": Value("string"),
    "headings": List(Value("string")),
    "pages": List(Value("int32")),
    "passage": Value("string"),
}
_FEATURES: Mapping[Kind, Features] = {
    "instruct": Features(
        {"id": Value("string"), "prompt": _MESSAGES, "completion": _MESSAGES, "style": Value("string")}
        | _SOURCE
    ),
    "preference": Features(
        {"id": Value("string"), "prompt": _MESSAGES, "chosen": _MESSAGES, "rejected": _MESSAGES} | _SOURCE
    ),
}
"""The columns of each kind: trl's conversational format, and what each row was made from."""


@dataclass(frozen=True)
class Export:
    """What was written: ``rows`` maps each configuration to the rows of its splits that aren't empty."""

    folder: Path
    rows: dict[str, dict[str, int]]


def export_data(root: Path, params: Params, corpora: Sequence[str] | None, folder: Path) -> Export:
    """Write the data sets of corpora into a folder, whole or not at all; an earlier export there is replaced.

    Args:
        root: The project's folder.
        params: The whole of params.yaml.
        corpora: Their names; None for all that have data.
        folder: Made if it isn't there.

    Raises:
        CharterError: There are no data, a file of them is missing, broken or of another state, or the folder
            has files that no export wrote or can't be written.
    """
    _check_folder(folder)
    names = corpora or [name for name in params.corpora if CorpusPaths(root, name).rejected.exists()]
    if not names:
        raise CharterError(
            f"nothing to export: no corpus has data; `dvc repro synthesize@{next(iter(params.corpora))}`"
        )
    read = [_read_corpus(root, params, name) for name in names]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=".charter-") as work:
            staged = Path(work, "new")
            staged.mkdir()
            described = [_write_corpus(corpus, data, staged) for corpus, data in read]
            pinned = read_pinned(ProjectPaths(root).pinned("models"))
            licences = {name: model.licence for name, model in pinned.items()}
            write_text(staged / "README.md", dataset_card(described, params, licences, git_revision(root)))
            files = {name: file_sha256(staged / name) for name in _file_names(staged)}
            write_json(staged / MANIFEST, {"files": files})
            if folder.exists():
                folder.rename(Path(work, "old"))
            staged.rename(folder)
    except OSError as error:
        raise CharterError(f"{folder}: {error.strerror}: {error.filename}; nothing was exported") from error
    return Export(
        folder,
        {
            config_name(corpus.name, kind): {file.split: file.rows for file in files}
            for corpus in described
            for kind, files in corpus.files.items()
        },
    )


def _check_folder(folder: Path) -> None:
    """Refuse a folder in which there is anything that an earlier export didn't write."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CharterError(f"{folder}: is a file; name a folder")
    manifest = folder / MANIFEST
    content = read_json(manifest) if manifest.exists() else {"files": {}}
    if not isinstance(content, dict) or "files" not in content:
        raise CharterError(f"{manifest}: not what an export writes: {json.dumps(content)[:80]}; delete it")
    others = [name for name in _file_names(folder) if name != MANIFEST and name not in content["files"]]
    if others:
        raise CharterError(f"{folder}: no export wrote {others[0]} in it; name another folder")


def _read_corpus(root: Path, params: Params, name: str) -> tuple[ExportedCorpus, SyntheticData]:
    """Read a corpus's data, and what was recorded when they were made."""
    paths = ProjectPaths(root).corpus(name)
    outdated = outdated_stages(root, params, name)
    for stage in ("base-models", "extract", "synthesize"):
        if stage in outdated:
            raise CharterError(
                f"{PARAMS_FILE}: {outdated[stage]} has changed since {stage} ran, so the data of {name} are "
                f"not of these parameters; run `dvc repro synthesize@{name}` first"
            )
    data = read_synthetic_data(paths)
    metrics = read_json(paths.metrics("synthesize"))
    for kind, splits in (("instruct", data.instruct), ("preference", data.preference)):
        for split, rows in splits.items():
            if count_rows(metrics, kind, split) != len(rows):
                raise CharterError(
                    f"{paths.metrics('synthesize')}: {kind}.{split} isn't {len(rows)}, the rows that there "
                    f"are: the figures are of other data; run `dvc repro synthesize@{name}`"
                )
    validators = paths.metrics("validators")
    measured = name in params.labelled and "validators" not in outdated and validators.exists()
    read_by_dvc = recorded_stages(root).get(f"synthesize@{name}", {}).get("deps", [])
    sources = [paths.chunks, paths.rejected]
    for split in SPLITS:
        sources += [paths.instruct(split), paths.preference(split)]
    corpus = ExportedCorpus(
        name=name,
        title=params.corpora[name].title,
        documents={chunk.document: chunk.document_sha256 for chunk in data.chunks},
        chunks=len(data.chunks),
        metrics=metrics,
        coverage=summarize_coverage(measure_coverage(data)),
        validators=read_json(validators) if measured else {},
        inputs={dep["path"]: dep["md5"] for dep in read_by_dvc if not dep["path"].startswith("src/")},
        sources={source.relative_to(root).as_posix(): file_sha256(source) for source in sources},
        files={},
    )
    return corpus, data


def _write_corpus(corpus: ExportedCorpus, data: SyntheticData, folder: Path) -> ExportedCorpus:
    """Write a file for each split that has rows; `datasets` loads no empty one."""
    chunks = {chunk.id: chunk for chunk in data.chunks}
    splits: dict[Kind, Mapping[str, Sequence[InstructExample | PreferencePair]]] = {
        "instruct": data.instruct,
        "preference": data.preference,
    }
    disable_progress_bars()
    files: dict[Kind, list[DataFile]] = {}
    for kind, by_split in splits.items():
        for split, rows in by_split.items():
            if rows:
                path = f"{corpus.name}/{kind}/{split}.parquet"
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                columns = [_columns(row) | _source(chunks[row.chunk_id]) for row in rows]
                dataset = Dataset.from_list(columns, features=_FEATURES[kind])
                dataset.select_columns(list(_FEATURES[kind])).to_parquet(folder / path)
                written = DataFile(path, split, len(rows), file_sha256(folder / path))
                files.setdefault(kind, []).append(written)
    return replace(corpus, files=files)


def _columns(row: InstructExample | PreferencePair) -> dict[str, Any]:
    if isinstance(row, InstructExample):
        said = {"prompt": row.question, "completion": row.answer}
        own = {"id": row.id, "style": row.style}
    else:
        said = {"prompt": row.prompt, "chosen": row.chosen, "rejected": row.rejected}
        own = {"id": row.id}
    return own | {
        name: [{"role": "user" if name == "prompt" else "assistant", "content": text}]
        for name, text in said.items()
    }


def _source(chunk: Chunk) -> dict[str, Any]:
    """What a row was made from. A chunk is short, extract.max_tokens at most, so it is there in full."""
    named = chunk.model_dump(include={"document", "document_sha256", "headings", "pages"})
    return named | {"chunk_id": chunk.id, "passage": chunk.text}


def _file_names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
