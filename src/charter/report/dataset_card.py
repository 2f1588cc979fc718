"""The README.md of exported data: what `datasets` loads it by, and the data card for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from charter.evaluation.results import Estimate
from charter.project.params import Params
from charter.project.pinned_files import MODELS_LICENCE
from charter.project.records import SPLITS, Kind, RefusedKind
from charter.project.sections import ModelSource
from charter.report.model_card import source_name
from charter.report.table import markdown_row, share
from charter.training.chat import answer_messages

MANIFEST = "charter_export.json"
"""Lists the files of an export, so that a later one knows what it may replace."""

_KINDS: Mapping[Kind, str] = {
    "instruct": "questions that a reader may ask and answers that a passage supports",
    "preference": "scenarios, each with a response that follows the document (`chosen`) and one that goes "
    "against it (`rejected`)",
}

_FILTERS: Mapping[RefusedKind, Mapping[str, str]] = {
    "instruct": {
        "question": "is no question, speaks of the passage itself, or refers to nothing",
        "subject": "more than two passages are nearer to it than the one that it was written about",
        "duplicate": "nearly repeats a kept question (cosine above {max_question_similarity}, or trigrams)",
        "answer": "is cut off, too long, no answer, speaks of the passage, names no time where one is asked "
        "for, has a number that the passage hasn't, or says too much in words that it hasn't",
        "support": "the teacher finds it true by its passage with a probability below {min_support}",
    },
    "rule": {
        "question": "as above",
        "subject": "another rule of the document is nearer to it than the one that answers it",
        "duplicate": "nearly repeats a kept question to a rule, or asks for a rule that another one asks for",
        "held-out": "nearly repeats a held-out question or scenario, or its rule is that of a held-out pair",
    },
    "preference": {
        "value": "of a passage: the teacher finds no value in it, so no pair is tried",
        "scenario": "doesn't ask for yes or no what is allowed, required or forbidden",
        "subject": "as above",
        "duplicate": "nearly repeats a kept scenario",
        "rule": "no sentence of the passage is a rule by itself, or the scenario asks for a duty and it "
        "states none",
        "contrast": "the opposite rule is no sentence, is the rule itself, or one is more than "
        "{max_length_ratio} times as long",
        "verification": "with the teacher's bias to Yes taken off, the passage, the rule alone and its "
        "opposite don't show Yes or No to be right, by {min_preference_margin} nats of log-odds",
    },
    "rule-pair": {
        "contrast": "as above",
        "verification": "by the passage, the rule isn't truer than its opposite, by a nat of log-odds",
    },
}
"""What each filter of synthesis refuses, in their order."""

_CARD = """\
---
{front}---

# {title}

Synthetic data to align a language model with {documents}, written from that text, passage by passage, by a
language model ({teacher}), and filtered. Made with Charter, by the method of Padhi et al., *Value Alignment
from Unstructured Text* (EMNLP 2024 Industry, arXiv 2408.10392).

**People wrote and checked none of these rows.** Answers can be wrong though a filter passed them; see the
validators below. `rejected` responses are wrong on purpose: train no model to give them.

## Use

```python
from datasets import load_dataset

data = load_dataset("path/of/this/folder", "{example}")
```

Rows are in trl's conversational format and train as they are with `SFTTrainer` (`prompt`, `completion`) and
`DPOTrainer` (`prompt`, `chosen`, `rejected`). Each leads back to its source: `chunk_id`, `document`,
`document_sha256`, `headings` (outermost first), `pages` (from 1; none where the format has no pages) and
`passage`, the text it was written from. `id` is a hash of the row's content. Charter itself puts each
question to a model as

```
{asked}
```

| configuration | rows | {splits} |
|---|---|{rule}|
{counts}

Near-duplicates are in one split, over both kinds of a corpus: no held-out question nearly repeats a training
one. `datasets` loads no empty split, so an empty one (0) has no file. What is tuned is tuned on `validation`.

{corpora}
## Licences

- The passages, and what quotes them, are under the licence of their documents, which whoever publishes this
  must know; Charter doesn't.
- The model that wrote the rows ({teacher}): {teacher_licence}.
- The model that found the duplicates ({encoder}): {encoder_licence}.

## How it was made

```
{commands}
charter export {names} --to FOLDER
```

{changed}Rows sampled anew may differ: the engine's sampling isn't the same on every machine.

<details><summary>Parameters</summary>

```json
{params}
```

</details>

SHA-256 of the files here:

{files}
"""

_CORPUS = """\
## {name}: {title}

{chunks} passages of {documents}.

| kind | requested | kept | yield |
|---|---|---|---|
{yields}

Refused, by filter, in their order:

| kind | filter | refused | what it refuses |
|---|---|---|---|
{filters}

Rows of kind `rule` are in the training split of the instruct data: their answer is a sentence of the
document, word for word (`style` is `rule`). Those of kind `rule-pair` are in the training split of the
preference data: a question to a rule, the rule and its opposite.

{coverage}{validators}Where it comes from:

{hashes}
"""


@dataclass(frozen=True)
class DataFile:
    """A file of an export: its path in the folder, and the rows of one split that it has."""

    path: str
    split: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class CorpusData:
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


def dataset_card(corpora: Sequence[CorpusData], params: Params, revision: tuple[str, bool]) -> str:
    """Write the README.md of an export: YAML front matter, and the data card in Markdown.

    Args:
        corpora: In the order in which they are shown.
        params: With which the data were made.
        revision: The commit of the code, and whether the code was changed since (`git_revision`).
    """
    titles = "; ".join(corpus.title for corpus in corpora)
    files = [file for corpus in corpora for of_kind in corpus.files.values() for file in of_kind]
    names = " ".join(corpus.name for corpus in corpora)
    commit, changed = revision
    return _CARD.format(
        front=_front_matter(corpora, titles),
        title=f"Alignment data: {titles}",
        documents=" and ".join(f"*{corpus.title}*" for corpus in corpora),
        teacher=source_name(params.base_models.teacher),
        teacher_licence=_licence(params.base_models.teacher),
        encoder=source_name(params.base_models.encoder),
        encoder_licence=_licence(params.base_models.encoder),
        example=config_name(corpora[0].name, next(iter(corpora[0].files))),
        asked=answer_messages("QUESTION")[0]["content"],
        splits=" | ".join(SPLITS),
        rule="---|" * (len(SPLITS) - 1) + "---",
        counts="\n".join(
            markdown_row(
                [
                    f"`{config_name(corpus.name, kind)}`",
                    meaning,
                    *(str(count_rows(corpus.metrics, kind, split)) for split in SPLITS),
                ]
            )
            for corpus in corpora
            for kind, meaning in _KINDS.items()
        ),
        corpora="\n".join(_corpus(corpus, params) for corpus in corpora),
        changed="**The code had been changed since that commit.** " if changed else "",
        commands="\n".join(
            [f"git checkout {commit}", *(f"dvc repro synthesize@{corpus.name}" for corpus in corpora)]
        ),
        names=names,
        params=_parameters(corpora, params),
        files="\n".join(f"- `{file.path}`: `{file.sha256}`" for file in files),
    )


def _front_matter(corpora: Sequence[CorpusData], titles: str) -> str:
    """Write what the hub and `load_dataset` read; splits without rows are left out."""
    yaml = YAML()
    yaml.width = 4096
    stream = StringIO()
    configs = [
        {
            "config_name": config_name(corpus.name, kind),
            "data_files": [{"split": file.split, "path": file.path} for file in files],
        }
        for corpus in corpora
        for kind, files in corpus.files.items()
    ]
    values = {
        "pretty_name": f"Alignment data: {titles}",
        "license": "other",
        "task_categories": ["question-answering", "text-generation"],
        "tags": ["synthetic", "alignment", "trl"],
        "configs": configs,
    }
    yaml.dump(values, stream)
    return stream.getvalue()


def _licence(source: ModelSource) -> str:
    if source.artifact is not None:
        return MODELS_LICENCE
    return "see its own model card for its licence, and for what it says of the use of its output"


def _corpus(corpus: CorpusData, params: Params) -> str:
    settings = params.synthesize.model_dump()
    yields, filters = [], []
    for kind, known in _FILTERS.items():
        figures = corpus.metrics[kind]
        requested, kept, refused = figures["requested"], figures["kept"], figures["rejected"]
        percent = f"{100 * kept / requested:.0f} %" if requested else "–"
        yields.append(markdown_row([kind, str(requested), str(kept), percent]))
        filters += [
            markdown_row([kind, name, str(refused.get(name, 0)), known.get(name, "").format(**settings)])
            for name in dict.fromkeys((*known, *refused))
        ]
    hashes = [f"- document `{name}`: SHA-256 `{value}`" for name, value in corpus.documents.items()]
    hashes += [f"- `{path}`: SHA-256 `{value}`" for path, value in corpus.sources.items()]
    hashes += [
        f"- `{path}`, as synthesis read it: MD5 `{value}` (DVC's)" for path, value in corpus.inputs.items()
    ]
    return _CORPUS.format(
        name=corpus.name,
        title=corpus.title,
        chunks=corpus.chunks,
        documents=", ".join(f"`{name}`" for name in corpus.documents),
        yields="\n".join(yields),
        filters="\n".join(filters),
        coverage=_coverage(corpus.coverage),
        validators=_validators(corpus.validators),
        hashes="\n".join(hashes),
    )


def _coverage(figures: Mapping[str, Any]) -> str:
    share_covered = 100 * figures["sentences_covered_share"]
    return (
        f"Training answers speak of {figures['sentences_covered']} of the {figures['sentences']} sentences "
        f"({share_covered:.0f} %): they have at least half of what the words of the sentence say, rare words "
        f"weighing more. {figures['chunks_with_training_question']} of {figures['chunks']} passages have a "
        f"training question; {figures['value_chunks_without_pair']} of the {figures['value_chunks']} with a "
        "value have no training pair.\n\n"
    )


def _validators(measured: Mapping[str, Any]) -> str:
    """Write how often the filters that ask the teacher are right, on labelled items."""
    if not measured:
        return "How often the filters that ask the teacher are right was not measured on this document.\n\n"
    rows = [
        markdown_row(
            [
                name,
                str(figures["n"]),
                *(share(Estimate(**figures[metric])) for metric in ("precision", "recall", "auc")),
            ]
        )
        for name, figures in measured.items()
    ]
    return (
        "How often the filters that ask the teacher are right, on labelled items that aren't in the data "
        "(95 % intervals):\n\n| filter | items | precision | recall | AUC |\n|---|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n\n"
    )


def _parameters(corpora: Sequence[CorpusData], params: Params) -> str:
    given = params.model_dump(mode="json", exclude_unset=True)
    shown = {key: given[key] for key in ("profile", "seed", "teacher", "extract", "synthesize")}
    shown["base_models"] = {key: given["base_models"][key] for key in ("teacher", "encoder")}
    shown["corpora"] = {corpus.name: given["corpora"][corpus.name] for corpus in corpora}
    return json.dumps(shown, indent=1, ensure_ascii=False)
