"""The README.md of exported data: what `datasets` loads it by, and the data card for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huggingface_hub import DatasetCardData

from charter.evaluation.results import Estimate
from charter.project.params import Params
from charter.project.records import SPLITS, Kind
from charter.project.sections import ModelSource
from charter.report.formatting import share
from charter.report.model_card import source_name
from charter.report.rendering import render
from charter.training.chat import answer_messages

MANIFEST = "charter_export.json"
"""Lists the files of an export, so that a later one knows what it may replace."""


@dataclass(frozen=True)
class DataFile:
    """A file of an export: its path in the folder, and the rows of one split that it has."""

    path: str
    split: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class ExportedCorpus:
    """What a card says of a corpus.

    ``documents`` maps name to SHA-256, ``sources`` the project's data files to theirs; ``inputs`` what
    synthesis read to the MD5 that DVC recorded. ``metrics`` are those of synthesize, ``coverage`` is of
    `charter.synthesis.coverage`, ``validators`` has the metrics of the stage of that name, none where nothing
    was labelled. ``files`` has the files of each kind with rows.
    """

    name: str
    title: str
    documents: Mapping[str, str]
    chunks: int
    metrics: Mapping[str, Any]
    coverage: Mapping[str, Any]
    validators: Mapping[str, Any]
    inputs: Mapping[str, str]
    sources: Mapping[str, str]
    files: Mapping[Kind, Sequence[DataFile]]


def config_name(corpus: str, kind: Kind) -> str:
    """Name a data set as `load_dataset` knows it: ``udhr-instruct``."""
    return f"{corpus}-{kind}"


def count_rows(metrics: Mapping[str, Any], kind: str, split: str) -> int:
    """Return how many rows a split has by the metrics of synthesize, those of rules alone among them."""
    parts = (kind, "rule" if kind == "instruct" else "rule-pair")
    return sum(int(metrics.get(part, {}).get(split, 0)) for part in parts)


def dataset_card(
    corpora: Sequence[ExportedCorpus],
    params: Params,
    licences: Mapping[str, str | None],
    revision: tuple[str, bool],
) -> str:
    """Write the README.md of an export: YAML front matter, and the data card in Markdown.

    Args:
        corpora: In the order in which they are shown.
        params: With which the data were made.
        licences: Of the pinned models, by name.
        revision: The commit of the code, and whether the code was changed since (`git_revision`).
    """
    title = f"Alignment data: {'; '.join(corpus.title for corpus in corpora)}"
    commit, changed = revision
    models = params.base_models
    return render(
        "dataset_card.md.jinja",
        front=_front_matter(corpora, title),
        title=title,
        corpora=corpora,
        params=params,
        parameters=_parameters(corpora, params),
        teacher=source_name(models.teacher),
        teacher_licence=_licence(models.teacher, licences),
        encoder=source_name(models.encoder),
        encoder_licence=_licence(models.encoder, licences),
        example=config_name(corpora[0].name, next(iter(corpora[0].files))),
        asked=answer_messages("QUESTION")[0]["content"],
        splits=SPLITS,
        config_name=config_name,
        count_rows=count_rows,
        share=lambda figures: share(Estimate(**figures)),
        commit=commit,
        changed=changed,
    )


def _front_matter(corpora: Sequence[ExportedCorpus], title: str) -> str:
    """Write what the hub and `load_dataset` read; splits without rows are left out."""
    configs = [
        {
            "config_name": config_name(corpus.name, kind),
            "data_files": [{"split": file.split, "path": file.path} for file in files],
        }
        for corpus in corpora
        for kind, files in corpus.files.items()
    ]
    data = DatasetCardData(
        pretty_name=title,
        license="other",
        task_categories=["question-answering", "text-generation"],
        tags=["synthetic", "alignment", "trl"],
        configs=configs,
    )
    return data.to_yaml()


def _licence(source: ModelSource, licences: Mapping[str, str | None]) -> str:
    return licences.get(source.artifact or "") or (
        "see its own model card for its licence, and for what it says of the use of its output"
    )


def _parameters(corpora: Sequence[ExportedCorpus], params: Params) -> str:
    given = params.model_dump(mode="json", exclude_unset=True)
    shown = {key: given[key] for key in ("profile", "seed", "teacher", "extract", "synthesize")}
    shown["base_models"] = {key: given["base_models"][key] for key in ("teacher", "encoder")}
    shown["corpora"] = {corpus.name: given["corpora"][corpus.name] for corpus in corpora}
    return json.dumps(shown, indent=1, ensure_ascii=False)
