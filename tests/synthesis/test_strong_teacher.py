"""The direct method with a strong teacher's replies, written by hand in eight languages, asked over HTTP."""

import dataclasses
import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import jinja2.meta
import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer

from charter.documents.chunking import chunk_document
from charter.documents.extraction import extract_document
from charter.documents.segmentation import split_sentences, split_words
from charter.generation.capabilities import Capabilities, probe
from charter.generation.engine import ask_choice
from charter.generation.journal import JournaledEngine
from charter.generation.openai_engine import OpenAIEngine
from charter.generation.server import ModelServer
from charter.project.params import Params
from charter.project.records import Chunk, PreferencePair, Rejected, Rule
from charter.project.sections import Synthesize
from charter.project.templates import Prompts
from charter.retrieval.encoder import Encoder
from charter.synthesis.context import SynthesisContext
from charter.synthesis.direct_method import DirectMethod
from charter.synthesis.synthetic_data import SyntheticData
from charter.synthesis.writing import write_data
from local_server import serving
from strong_teacher.recognition import PACKAGES, Recogniser
from strong_teacher.replies import HERE, LANGUAGES
from strong_teacher.server import MODEL, StrongTeacher

QUICK = ("deu", "jpn")
"""One language with words between blanks and one without; the others take seconds each."""

EACH_LANGUAGE = pytest.mark.parametrize(
    "language",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.models) for name in LANGUAGES],
)


class LetterEncoder:
    """Stands in for the encoder: texts are alike that share runs of three letters, in any script."""

    def __init__(self) -> None:
        self._vectorizer = HashingVectorizer(
            analyzer="char", ngram_range=(3, 3), n_features=2**13, alternate_sign=False, dtype=np.float32
        )

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._vectorizer.transform(texts).toarray()


class Written(NamedTuple):
    """What was made of a document, with its rows as they were written by hand."""

    rules: list[Rule]
    refused_rules: list[Rejected]
    data: SyntheticData
    by_hand: list[dict[str, Any]]

    @property
    def pairs(self) -> list[PreferencePair]:
        return [pair for of_split in self.data.preference.values() for pair in of_split]


@pytest.fixture(scope="module")
def teacher() -> Iterator[StrongTeacher]:
    with serving(StrongTeacher()) as server:
        yield server


@pytest.fixture(scope="module")
def written(teacher: StrongTeacher, params: Params, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the method writes of a language's document, by the language."""
    folder = tmp_path_factory.mktemp("strong")
    return cache(
        lambda language: write(language, params.synthesize, teacher, cast(Encoder, LetterEncoder()), folder)
    )


@cache
def read_chunks(language: str) -> list[Chunk]:
    file = HERE / f"documents/{language}.html"
    document = extract_document(file, file.name)
    # Three bytes a token, as byte-level vocabularies have it of most scripts.
    return chunk_document(document, 300, 20, lambda text: len(text.encode()) // 3)


def write(
    language: str, settings: Synthesize, server: StrongTeacher, encoder: Encoder, folder: Path
) -> Written:
    chunks = read_chunks(language)

    def load() -> OpenAIEngine:
        return OpenAIEngine(ModelServer(server.url, MODEL), concurrency=4)

    with JournaledEngine(folder / f"{language}.sqlite", MODEL, load) as engine:
        context = SynthesisContext(
            title=chunks[0].headings[0],
            chunks=chunks,
            rules=[],
            teacher=engine,
            encoder=encoder,
            settings=settings,
            seed=0,
        )
        rules, refused = DirectMethod.list_rules(context)
        data, _ = write_data(dataclasses.replace(context, rules=rules), DirectMethod(settings))
    by_hand = yaml.safe_load((HERE / f"{language}.yaml").read_text(encoding="utf-8"))["chunks"]
    return Written(rules, refused, data, by_hand)


@pytest.mark.parametrize("language", LANGUAGES)
def test_documents_of_eight_languages_give_their_passages(language: str) -> None:
    by_hand = yaml.safe_load((HERE / f"{language}.yaml").read_text(encoding="utf-8"))["chunks"]
    chunks = read_chunks(language)
    for row in by_hand:
        assert sum(row["excerpt"] in chunk.text for chunk in chunks) == 1
    assert len(chunks) == len(by_hand)
    assert {chunk.language for chunk in chunks} == {"ara" if language == "arb" else language}


@EACH_LANGUAGE
def test_register_has_each_rule_with_its_quotation(language: str, written: Any) -> None:
    rules, refused, data, by_hand = written(language)
    assert not refused
    assert [rule.statement for rule in rules] == [
        row["statement"] for chunk in by_hand for row in chunk["rules"]
    ]
    texts = {chunk.id: chunk.text for chunk in data.chunks}
    for rule in rules:
        assert texts[rule.chunk_id][rule.start : rule.end] == rule.quotation


@EACH_LANGUAGE
def test_good_rows_are_kept(language: str, written: Any, teacher: StrongTeacher) -> None:
    rows = written(language)
    asked = {row["question"] for chunk in rows.by_hand for row in chunk["questions"]}
    told = {row["scenario"] for chunk in rows.by_hand for row in chunk["scenarios"]}
    examples = [example for of_split in rows.data.instruct.values() for example in of_split]
    assert not teacher.unknown
    assert {example.question for example in examples} <= asked
    assert len(examples) >= 0.9 * len(asked) >= 20
    assert {pair.prompt for pair in rows.pairs} <= told
    assert len(rows.pairs) >= 0.9 * len(told) >= 14
    # Only what the teacher said twice is a duplicate: the rows differ.
    duplicates = [row for row in rows.data.rejected if row.filter == "duplicate"]
    assert all(row.reason.endswith(row.raw) for row in duplicates)
    assert not [row for row in rows.data.rejected if row.filter in ("support", "verification", "answer")]


@EACH_LANGUAGE
def test_a_rule_is_held_out_whole(language: str, written: Any) -> None:
    rows = written(language)
    splits: dict[str, set[str]] = {}
    for kind in (rows.data.instruct, rows.data.preference):
        for split, of_split in kind.items():
            for row in of_split:
                splits.setdefault(row.rule, set()).add(split)
    assert splits.keys() == {rule.statement for rule in rows.rules}
    assert {len(of_rule) for of_rule in splits.values()} == {1}
    assert {"train", "test"} <= set.union(*splits.values())


@EACH_LANGUAGE
def test_few_chosen_responses_are_sentences_of_the_document(language: str, written: Any) -> None:
    rows = written(language)
    stated = {
        tuple(split_words(sentence))
        for chunk in rows.data.chunks
        for sentence in split_sentences(chunk.text, chunk.language)
    }
    code = rows.data.chunks[0].language
    copied = [
        any(tuple(split_words(sentence)) in stated for sentence in split_sentences(pair.chosen, code))
        for pair in rows.pairs
    ]
    assert np.mean(copied) < 0.2


@pytest.mark.models
def test_neither_length_nor_first_word_tells_faithful_from_unfaithful(written: Any) -> None:
    pairs = [pair for language in LANGUAGES for pair in written(language).pairs]
    lengths = measure_auc([len(pair.chosen) for pair in pairs], [len(pair.rejected) for pair in pairs])
    assert 0.4 <= lengths <= 0.6
    chosen = [split_words(pair.chosen)[0] for pair in pairs]
    rejected = [split_words(pair.rejected)[0] for pair in pairs]
    faithful, unfaithful = Counter(chosen), Counter(rejected)
    # How much oftener a word begins the faithful responses of all other pairs than their unfaithful ones.
    good, bad = [], []
    for one, other in zip(chosen, rejected, strict=True):
        same = one == other
        good.append(faithful[one] - 1 - unfaithful[one] + same)
        bad.append(faithful[other] - same - unfaithful[other] + 1)
    assert measure_auc(good, bad) <= 0.6


def measure_auc(ones: Sequence[float], others: Sequence[float]) -> float:
    """The chance that one of the first is greater than one of the others, ties half."""
    difference = np.subtract.outer(ones, others)
    return float(np.mean((difference > 0) + (difference == 0) / 2))


@pytest.mark.models
@pytest.mark.parametrize("language", ["deu", "jpn"])
def test_personas_write_the_unfaithful_reply_too(
    language: str, params: Params, teacher: StrongTeacher, tmp_path: Path
) -> None:
    settings = params.synthesize.model_copy(update={"rejected": "persona"})
    rows = write(language, settings, teacher, cast(Encoder, LetterEncoder()), tmp_path)
    told = {row["scenario"]: row for chunk in rows.by_hand for row in chunk["scenarios"]}
    assert len(rows.pairs) >= 0.9 * len(told)
    for pair in rows.pairs:
        assert pair.rejected == told[pair.prompt]["unfaithful"]


def test_each_prompt_is_recognised_by_its_template() -> None:
    recogniser, prompts = Recogniser(), Prompts(*PACKAGES)
    environment = jinja2.Environment(trim_blocks=True, autoescape=False)
    for name, source in recogniser.sources.items():
        if name.endswith("_system") or name == "passage":
            continue
        whole = source.replace('{% include "passage.jinja" %}', recogniser.sources["passage"])
        variables = jinja2.meta.find_undeclared_variables(environment.parse(whole))
        values = {variable: f"1. What {variable} is?\n2. That!" for variable in variables}
        turns = prompts.render_turns(name, **values | {"topics": ["tea"]})
        asked = recogniser.recognise(turns)
        assert asked is not None, name
        assert asked.prompt == name
        for variable, value in asked.given.items():
            assert value in (values.get(variable, value), ""), (name, variable)


@pytest.mark.parametrize(
    "asked", ["Who was Napoleon?", "Somebody writes to you: Hello!\n\nYou go by this rule: none at all."]
)
def test_what_it_does_not_know_is_an_error_that_shows_it(asked: str) -> None:
    with serving(StrongTeacher()) as server:
        body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": asked}]})
        request = urllib.request.Request(f"{server.url}/chat/completions", body.encode())
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=120)
        assert refused.value.code == 400
        assert asked.split("\n")[0] in json.load(refused.value)["error"]["message"]
        assert len(server.unknown) == 1


def test_it_can_do_what_a_strong_teacher_can(teacher: StrongTeacher) -> None:
    assert probe(ModelServer(teacher.url, MODEL), 0) == Capabilities(json_schema=True)


def test_unknown_answers_are_neither_true_nor_false(written: Any, teacher: StrongTeacher) -> None:
    chunk = written("deu").data.chunks[0]
    prompt = Prompts(*PACKAGES).render(
        "support", title="", topics=[], passage=chunk.text, statement="Heute scheint die Sonne."
    )
    request = ask_choice([("user", prompt)], ("True", "False"))
    engine = OpenAIEngine(ModelServer(teacher.url, MODEL), concurrency=1)
    ((_, completion),) = engine.complete([request])
    assert dict(completion.alternatives) == pytest.approx({"True": np.log(0.5), "False": np.log(0.5)})


@pytest.mark.models
def test_the_english_encoder_keeps_most_rows_of_a_script_that_it_does_not_know(
    params: Params, teacher: StrongTeacher, encoder: Encoder, tmp_path: Path
) -> None:
    rows = write("hin", params.synthesize, teacher, encoder, tmp_path)
    assert len(rows.rules) >= 10
    assert sum(map(len, rows.data.instruct.values())) >= 15
    assert len(rows.pairs) >= 10
