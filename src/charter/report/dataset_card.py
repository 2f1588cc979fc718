"""The README.md of exported data: what `datasets` loads it by, and the data card for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huggingface_hub import DatasetCardData

from charter.documents.language_codes import short_code
from charter.evaluation.results import Estimate
from charter.project.params import Params
from charter.project.records import SPLITS, Chunk, InstructExample, Kind, PreferencePair
from charter.report.formatting import share
from charter.report.model_card import source_name
from charter.report.rendering import render
from charter.synthesis.choose_method import choose_method
from charter.synthesis.steps import Filter
from charter.training.chat import answer_messages

_PARAMS = ("profile", "seed", "teacher", "extract", "synthesize")
"""What shapes the data of any corpus, beside its own parameters and two models."""


@dataclass(frozen=True)
class ExportedCorpus:
    """A corpus's data, and what a card says of it.

    ``rows`` has the splits of each kind that aren't empty. ``sources`` maps the project's data files to their
    SHA-256; ``inputs`` what synthesis read to the MD5 that DVC recorded. ``metrics`` are those of synthesize,
    ``coverage`` is of `charter.synthesis.coverage`, ``people`` counts the marks of
    `charter.project.review_records.RowMark`, ``validators`` has the metrics of the stage of that name,
    none where nothing was labelled.
    """

    name: str
    title: str
    chunks: Sequence[Chunk]
    rows: Mapping[Kind, Mapping[str, Sequence[InstructExample | PreferencePair]]]
    metrics: Mapping[str, Any]
    coverage: Mapping[str, Any]
    people: Mapping[str, int]
    validators: Mapping[str, Any]
    inputs: Mapping[str, str]
    sources: Mapping[str, str]

    @property
    def documents(self) -> dict[str, str]:
        """The SHA-256 of each document."""
        return {chunk.document: chunk.document_sha256 for chunk in self.chunks}

    def data_set(self, kind: Kind) -> str:
        """Name a data set as `load_dataset` knows it: ``udhr-instruct``."""
        return f"{self.name}-{kind}"

    def path(self, kind: Kind, split: str) -> str:
        """Return where in the export a split lies."""
        return f"{self.name}/{kind}/{split}.parquet"


def dataset_card(
    corpora: Sequence[ExportedCorpus],
    params: Params,
    licences: Mapping[str, str | None],
    hashes: Mapping[str, str],
    revision: tuple[str, bool],
) -> str:
    """Write the README.md of an export: YAML front matter, and the data card in Markdown.

    Args:
        corpora: In the order in which they are shown.
        params: With which the data were made.
        licences: Of the pinned models, by name.
        hashes: The SHA-256 of each file of rows.
        revision: The commit of the code, and whether the code was changed since (`git_revision`).
    """
    title = f"Alignment data: {'; '.join(corpus.title for corpus in corpora)}"
    commit, changed = revision
    shown: dict[str, Any] = {
        **dict.fromkeys(_PARAMS, True),
        "base_models": {"teacher", "encoder"},
        "corpora": {corpus.name for corpus in corpora},
    }
    return render(
        "dataset_card.md.jinja",
        front=_front_matter(corpora, title),
        title=title,
        corpora=corpora,
        params=params,
        parameters=params.model_dump_json(indent=1, exclude_unset=True, include=shown),
        source_name=source_name,
        licences=licences,
        hashes=hashes,
        filters=_filters(params),
        asked=answer_messages("QUESTION")[0]["content"],
        splits=SPLITS,
        share=lambda figures: share(Estimate(**figures)),
        commit=commit,
        changed=changed,
    )


def _filters(params: Params) -> dict[str, dict[str, str]]:
    """Return what each filter refuses, by kind of row and name; of two of one name, both."""
    found: dict[str, dict[str, str]] = {}
    for kind, steps in choose_method(params)(params.synthesize).ways().items():
        found[kind] = {}
        for step in steps:
            if isinstance(step, Filter) and step.summary not in found[kind].get(step.name, ""):
                found[kind][step.name] = f"{found[kind].get(step.name, '')} {step.summary}".strip()
    return found


def _front_matter(corpora: Sequence[ExportedCorpus], title: str) -> str:
    """Write what the hub and `load_dataset` read; splits without rows are left out."""
    configs = [
        {
            "config_name": corpus.data_set(kind),
            "data_files": [{"split": split, "path": corpus.path(kind, split)} for split in splits],
        }
        for corpus in corpora
        for kind, splits in corpus.rows.items()
    ]
    spoken = {short_code(chunk.language) for corpus in corpora for chunk in corpus.chunks}
    data = DatasetCardData(
        language=sorted(code for code in spoken if code) or None,
        pretty_name=title,
        license="other",
        task_categories=["question-answering", "text-generation"],
        tags=["synthetic", "alignment", "trl"],
        configs=configs,
    )
    return data.to_yaml()
