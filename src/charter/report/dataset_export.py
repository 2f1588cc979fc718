"""The data of corpora as a folder that Hugging Face `datasets` loads: Parquet and a data card."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
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
from charter.report.dataset_card import ExportedCorpus, dataset_card
from charter.report.pipeline_state import git_revision, outdated_stages, recorded_stages
from charter.synthesis.coverage import measure_coverage, summarize_coverage
from charter.synthesis.synthetic_data import read_synthetic_data

MANIFEST = "charter_export.json"
"""Lists the files of an export, so that a later one knows what it may replace."""

_TEXT = Value("string")
_MESSAGES = List({"role": _TEXT, "content": _TEXT})
_SOURCE = {
    "chunk_id": _TEXT,
    "document": _TEXT,
    "document_sha256": _TEXT,
    "headings": List(_TEXT),
    "pages": List(Value("int32")),
    "passage": _TEXT,
}
_FEATURES: Mapping[Kind, Features] = {
    "instruct": Features(
        {"id": _TEXT, "prompt": _MESSAGES, "completion": _MESSAGES}
        | dict.fromkeys(("style", "rule", "support"), _TEXT)
        | _SOURCE
    ),
    "preference": Features(
        {"id": _TEXT, "prompt": _MESSAGES, "chosen": _MESSAGES, "rejected": _MESSAGES, "rule": _TEXT}
        | _SOURCE
    ),
}
"""The columns of each kind: trl's conversational format, and what each row was made from."""


def export_data(
    root: Path, params: Params, corpora: Sequence[str] | None, folder: Path
) -> dict[str, dict[str, int]]:
    """Write the data sets of corpora into a folder, whole or not at all; an earlier export there is replaced.

    Returns how many rows each configuration has in its splits that aren't empty.

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
            for corpus in read:
                _write_rows(corpus, staged)
            pinned = read_pinned(ProjectPaths(root).pinned("models"))
            licences = {name: model.licence for name, model in pinned.items()}
            card = dataset_card(read, params, licences, _hashes(staged), git_revision(root))
            write_text(staged / "README.md", card)
            write_json(staged / MANIFEST, {"files": _hashes(staged)})
            if folder.exists():
                folder.rename(Path(work, "old"))
            staged.rename(folder)
    except OSError as error:
        raise CharterError(f"{folder}: {error.strerror}: {error.filename}; nothing was exported") from error
    return {
        corpus.data_set(kind): {split: len(rows) for split, rows in splits.items()}
        for corpus in read
        for kind, splits in corpus.rows.items()
    }


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


def _read_corpus(root: Path, params: Params, name: str) -> ExportedCorpus:
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
    by_kind: dict[Kind, Mapping[str, Sequence[InstructExample | PreferencePair]]] = {
        "instruct": data.instruct,
        "preference": data.preference,
    }
    for kind, splits in by_kind.items():
        parts = (kind, "rule") if kind == "instruct" else (kind, "rule-pair", "vote")
        for split, rows in splits.items():
            if sum(metrics.get(part, {}).get(split, 0) for part in parts) != len(rows):
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
    return ExportedCorpus(
        name=name,
        title=params.corpora[name].title,
        chunks=data.chunks,
        rows={
            kind: {split: rows for split, rows in splits.items() if rows}  # `datasets` loads no empty one
            for kind, splits in by_kind.items()
            if any(splits.values())
        },
        metrics=metrics,
        coverage=summarize_coverage(measure_coverage(data)),
        people=Counter(mark.mark for mark in data.marks),
        validators=read_json(validators) if measured else {},
        inputs={dep["path"]: dep["md5"] for dep in read_by_dvc if not dep["path"].startswith("src/")},
        sources={source.relative_to(root).as_posix(): file_sha256(source) for source in sources},
    )


def _write_rows(corpus: ExportedCorpus, folder: Path) -> None:
    """Write a file for each split that has rows."""
    chunks = {chunk.id: chunk for chunk in corpus.chunks}
    disable_progress_bars()
    for kind, splits in corpus.rows.items():
        for split, rows in splits.items():
            path = folder / corpus.path(kind, split)
            path.parent.mkdir(parents=True, exist_ok=True)
            columns = [_columns(row, chunks[row.chunk_id]) for row in rows]
            Dataset.from_list(columns, features=_FEATURES[kind]).to_parquet(path)


def _columns(row: InstructExample | PreferencePair, chunk: Chunk) -> dict[str, Any]:
    """Lay out a row. A chunk is short, extract.max_tokens at most, so it is there in full."""
    if isinstance(row, InstructExample):
        said = {"prompt": row.question, "completion": row.answer}
        own = {"style": row.style, "rule": row.rule, "support": row.support}
    else:
        said = {"prompt": row.prompt, "chosen": row.chosen, "rejected": row.rejected}
        own = {"rule": row.rule}
    messages = {
        name: [{"role": "user" if name == "prompt" else "assistant", "content": text}]
        for name, text in said.items()
    }
    source = chunk.model_dump(include={"document", "document_sha256", "headings", "pages"})
    return {"id": row.id, **messages, **own, "chunk_id": chunk.id, **source, "passage": chunk.text}


def _file_names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _hashes(folder: Path) -> dict[str, str]:
    return {name: file_sha256(folder / name) for name in _file_names(folder)}
