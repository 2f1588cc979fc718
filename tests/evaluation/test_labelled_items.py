"""The committed labelled items: balanced, in the style of synthesis, and each with its one chunk."""

import shutil
from collections import Counter
from pathlib import Path
from statistics import mean

import pytest

from charter.evaluation.labelled import bind_items
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.records import Chunk, LabelledItem, LabelledKind
from charter.project.storage import read_rows
from charter.stages import extract, fetch_documents
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.languages import load_language
from charter.synthesis.steps import run_steps
from charter.synthesis.text_filters import AnswerForm, Dangling, Mention, QuestionForm
from rows import chunk_of
from synthesis_contexts import make_context

ROOT = Path(__file__).parent.parent.parent
CORPORA = ("udhr", "bcg")
ENGLISH = load_language("en")
KINDS: tuple[LabelledKind, ...] = ("answer", "response")


def labelled(corpus: str, kind: LabelledKind | None = None) -> list[LabelledItem]:
    rows = read_rows(ROOT / f"data/labelled/{corpus}.jsonl", LabelledItem)
    return [row for row in rows if kind is None or row.kind == kind]


@pytest.mark.parametrize("corpus", CORPORA)
def test_kinds_and_labels_are_balanced(corpus: str) -> None:
    items = labelled(corpus)
    assert len(items) >= 64
    counts = Counter((item.kind, item.label) for item in items)
    assert set(counts.values()) == {len(items) // 4}
    assert len({item.question for item in items}) == len({item.id for item in items}) == len(items)


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("kind", KINDS)
def test_neither_first_word_nor_length_tells_the_label(corpus: str, kind: LabelledKind) -> None:
    true, false = (
        [row.text for row in labelled(corpus, kind) if row.label == label] for label in (True, False)
    )
    for word in ("Yes", "No"):
        shares = [mean(ENGLISH.answer_word(text) == word for text in texts) for texts in (true, false)]
        assert abs(shares[0] - shares[1]) <= 0.1
        assert min(shares) > 0.1
    lengths = [mean(map(len, texts)) for texts in (true, false)]
    assert 0.9 < lengths[0] / lengths[1] < 1.1


@pytest.mark.parametrize("corpus", CORPORA)
def test_items_would_reach_the_validators(corpus: str, params: Params) -> None:
    settings, ledger = params.synthesize, Ledger("instruct")
    form = QuestionForm(settings.min_question_words, settings.max_question_words)
    steps = (form, Mention(), Dangling(), AnswerForm(settings.max_answer_words))
    drafts = [
        Draft(chunk_of(item.quote), question=item.question, answer=item.text) for item in labelled(corpus)
    ]
    assert run_steps(steps, drafts, make_context(), ledger) == drafts, ledger.rejected
    for item in labelled(corpus, "response"):
        assert ENGLISH.answer_word(item.text), item.id
        assert "because" in item.text, item.id


@pytest.mark.models
@pytest.mark.parametrize("corpus", CORPORA)
def test_each_quote_is_in_one_chunk_and_they_are_spread(
    corpus: str, params: Params, base_models: ProjectPaths, tmp_path: Path
) -> None:
    project = ProjectPaths(tmp_path)
    project.seed.parent.parent.mkdir()
    project.seed.parent.symlink_to(base_models.seed.parent)
    (tmp_path / "data/raw").mkdir(parents=True)
    if corpus == "udhr":
        shutil.copytree(ROOT / "data/pinned", tmp_path / "data/pinned")
        fetch_documents.run(params, project)
    else:
        (tmp_path / "data/raw/bcg.pdf").symlink_to(ROOT / "data/raw/bcg.pdf")
    paths = project.corpus(corpus)
    whole = params.model_copy(update={"extract": params.extract.model_copy(update={"limit": 0})})
    extract.run(whole, paths)
    chunks = read_rows(paths.chunks, Chunk)
    bound = bind_items(labelled(corpus), chunks, ROOT / f"data/labelled/{corpus}.jsonl")
    assert len({row.chunk.id for row in bound}) > 0.9 * len(chunks)
