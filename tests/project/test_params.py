"""Parameters: strict, and named in errors by their dotted path."""

import copy
from pathlib import Path
from typing import Any

import pytest

import charter.project.sections
from charter.project.errors import CharterError
from charter.project.params import Params, load_params, parse_params, read_yaml
from charter.project.sections import ParamsSection

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def values() -> Any:
    return read_yaml(ROOT / "params.yaml")


def test_misspelt_key_is_named(values: Any) -> None:
    values["dpo"]["betta"] = values["dpo"].pop("beta")
    with pytest.raises(CharterError, match=r"dpo\.betta: there is no such key") as caught:
        parse_params(values, "params.yaml")
    assert "dpo.beta: is missing" in str(caught.value)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("sft", "epochs", "4"), ("sft", "batch_size", 2.5), ("dpo", "beta", 0), ("dpo", "loss", "simpo")],
)
def test_wrong_value_is_named_and_shown(values: Any, section: str, key: str, value: Any) -> None:
    values[section][key] = value
    with pytest.raises(CharterError, match=rf"{section}\.{key}: .*found: {value!r}"):
        parse_params(values, "params.yaml")


@pytest.mark.parametrize("name", ["test_share", "pair_test_share"])
def test_something_is_left_to_train_on(values: Any, name: str) -> None:
    values["synthesize"] |= {name: 0.95, "validation_share": 0.05}
    with pytest.raises(CharterError, match=rf"synthesize: {name} and validation_share leave nothing"):
        parse_params(values, "params.yaml")


@pytest.mark.parametrize("language", ["de", "DEU", "German", ""])
def test_a_language_is_named_by_three_letters(values: Any, language: str) -> None:
    values["corpora"]["udhr"]["language"] = language
    with pytest.raises(CharterError, match=r"corpora\.udhr\.language: give the three letters .* deu"):
        parse_params(values, "params.yaml")


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes("title: Verhaltensgrundsätze".encode("cp1252"))
    with pytest.raises(CharterError, match=r"params\.yaml: not UTF-8 .*; save it in that encoding"):
        load_params(path)


def test_model_has_one_source(values: Any) -> None:
    values["base_models"]["seed"]["hub"] = "owner/name@main"
    with pytest.raises(CharterError, match=r"base_models\.seed: .*exactly one"):
        parse_params(values, "params.yaml")


@pytest.mark.parametrize("hub", ["owner/name", "owner/name@", "@main"])
def test_a_model_of_the_hub_has_a_revision(values: Any, hub: str) -> None:
    values["base_models"]["seed"] = {"artifact": None, "hub": hub, "served": None}
    with pytest.raises(CharterError, match=r"base_models\.seed\.hub: .*give owner/name@revision"):
        parse_params(values, "params.yaml")


def test_a_limit_on_cost_needs_prices(values: Any) -> None:
    values["budget"]["cost"] = 5.0
    with pytest.raises(CharterError, match=r"budget: .*a limit on cost needs budget\.prices"):
        parse_params(values, "params.yaml")
    values["budget"]["prices"] = {"unit": "EUR", "input": 0.4, "output": 1}
    assert parse_params(values, "params.yaml").budget.cost == 5.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"metric": "blue"},
            r"gates\.2\.metric: .*not one of right_answers, .*perplexity.*found: 'blue'",
        ),
        ({"metric": "hit@1"}, r"gates\.2\.metric: .*not one of right"),  # a model without RAG has none
        (
            {"against": "cft+rags"},
            r"gates\.2\.against: .*not one of none, champion, .*found: 'cft\+rags'",
        ),
        ({"maximum": 1.0}, r"gates\.2: .*give exactly one of minimum, maximum"),
        ({"minimum": None}, r"gates\.2: .*give exactly one of minimum, maximum"),
    ],
)
def test_a_gate_that_could_never_be_judged_is_named(
    values: Any, change: dict[str, Any], message: str
) -> None:
    values["gates"][2] |= change
    with pytest.raises(CharterError, match=message):
        parse_params(values, "params.yaml")


JUDGE = {
    "name": "larger",
    "model": {"served": "acme/large", "revision": None},
    "engine": "openai",
    "base_url": "http://127.0.0.1:8001/v1",
    "key_variable": "ACME_KEY",
    "concurrency": 8,
    "cache_gigabytes": 4,
    "thinking_tokens": 0,
    "verdict_samples": 1,
}


def test_judges_are_the_teacher_by_its_word_or_models_with_names(values: Any) -> None:
    values["judges"] = [JUDGE, "teacher"]
    values["gates"] = [{"metric": "win_rate", "against": "none", "minimum": 0.5, "judge": "larger"}]
    params = parse_params(values, "params.yaml")
    assert params.judge_names == ("larger", "teacher")
    assert params.model_dump(mode="json", exclude_unset=True)["judges"] == [JUDGE, "teacher"]


@pytest.mark.parametrize(
    ("judges", "message"),
    [
        ([], r"judges: .*at least 1 item"),
        (["larger"], r"judges\.0: Input should be 'teacher'"),
        ([3], r"^params\.yaml: judges\.0: should be a mapping of keys to values"),
        ([JUDGE, JUDGE], r"judges: .*two judges have one name"),
        ([JUDGE | {"name": "teacher"}], r"judges\.0: .*by the word teacher"),
        (["teacher", JUDGE | {"engine": "vllm"}], r"judges\.1\.engine: Input should be 'openvino'"),
        ([JUDGE | {"base_url": None}], r"judges\.0: .*engine openai, base_url and model\.served go together"),
        ([JUDGE | {"base_url": "http://me@host/v1"}], r"judges\.0\.base_url: .*a key in it"),
        ([JUDGE | {"model": {"hub": "acme/large"}}], r"judges\.0\.model\.hub: .*owner/name@revision"),
    ],
)
def test_a_judge_that_could_never_be_asked_is_named(values: Any, judges: list[Any], message: str) -> None:
    values["judges"] = judges
    with pytest.raises(CharterError, match=message):
        parse_params(values, "params.yaml")


@pytest.mark.parametrize(
    ("section", "changed"),
    [
        ("extract", {"min_tokens": 201}),
        ("synthesize", {"max_question_words": 2}),
        ("synthesize", {"min_rule_words": 51}),
    ],
)
def test_a_least_above_the_most_is_named(values: Any, section: str, changed: dict[str, int]) -> None:
    values[section] |= changed
    with pytest.raises(CharterError, match=rf"{section}: min_\w+ \(\d+\) is more than max_\w+ \(\d+\)"):
        parse_params(values, "params.yaml")


def test_a_gate_names_a_judge_that_there_is(values: Any) -> None:
    gate = {"metric": "win_rate", "against": "none", "minimum": 0.5, "judge": "larger"}
    values["gates"] = [gate]
    with pytest.raises(CharterError, match=r"gates: .*larger is not in judges"):
        parse_params(values, "params.yaml")
    values["gates"] = [gate | {"metric": "bleu", "judge": "teacher"}]
    with pytest.raises(CharterError, match=r"gates\.0: .*judge goes with metric win_rate"):
        parse_params(values, "params.yaml")


def test_harm_is_gated_by_default(params: Params) -> None:
    bounds = {gate.metric: (gate.minimum, gate.maximum) for gate in params.gates}
    for metric in ("harmful_compliance", "over_refusal", "everyday_refusal", "perplexity_ratio"):
        assert bounds[metric][1] is not None, metric
    for metric in ("everyday_facts", "seed_similarity"):
        assert bounds[metric][0] is not None, metric


def test_corpus_name_must_suit_files(values: Any) -> None:
    values["corpora"]["My Corpus"] = values["corpora"]["udhr"]
    with pytest.raises(CharterError, match=r"corpora\.My Corpus"):
        parse_params(values, "params.yaml")


def test_labelled_items_are_of_a_corpus(values: Any) -> None:
    values["labelled"]["handbook"] = "data/labelled/handbook.jsonl"
    with pytest.raises(CharterError, match=r"labelled: .*handbook is not in corpora"):
        parse_params(values, "params.yaml")


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(CharterError, match="no such file"):
        load_params(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("seed: [1")
    with pytest.raises(CharterError, match="not YAML"):
        load_params(tmp_path / "params.yaml")


def test_every_key_says_what_it_means() -> None:
    """The parameters' reference is made from these: a key's own words, or those of the section it is."""
    for section in [Params, *vars(charter.project.sections).values()]:
        if isinstance(section, type) and issubclass(section, ParamsSection):
            for key, field in section.model_fields.items():
                inner = field.annotation
                explained = isinstance(inner, type) and issubclass(inner, ParamsSection) and inner.__doc__
                assert field.description or explained, f"{section.__name__}.{key}"


def test_parsing_leaves_the_values_alone(values: Any) -> None:
    before = copy.deepcopy(values)
    parse_params(values, "params.yaml")
    assert values == before
