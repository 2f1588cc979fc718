"""Parameters: strict, named in errors by their dotted path, and the same through every profile."""

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo

import charter.project.sections
from charter.project.errors import CharterError
from charter.project.params import Params, load_params, parse_params, read_yaml
from charter.project.profiles import apply_profile, list_profiles, load_overlay
from charter.project.sections import ParamsSection

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def values() -> Any:
    return read_yaml(ROOT / "params.yaml")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A DVC repository with this project's pipeline and parameters."""
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    Repo.init(str(tmp_path), no_scm=True)
    return tmp_path


def test_misspelt_key_is_named(values: Any) -> None:
    values["dpo"]["betta"] = values["dpo"].pop("beta")
    with pytest.raises(CharterError, match=r"dpo\.betta: Extra inputs") as caught:
        parse_params(values, "params.yaml")
    assert "dpo.beta: Field required" in str(caught.value)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("sft", "epochs", "4"), ("sft", "batch_size", 2.5), ("dpo", "beta", 0), ("dpo", "loss", "simpo")],
)
def test_wrong_value_is_named_and_shown(values: Any, section: str, key: str, value: Any) -> None:
    values[section][key] = value
    with pytest.raises(CharterError, match=rf"{section}\.{key}: .*found: {value!r}"):
        parse_params(values, "params.yaml")


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


@pytest.mark.parametrize("profile", list_profiles(ROOT))
def test_profile_goes_through_params_and_dvc(project: Path, profile: str) -> None:
    apply_profile(project, profile)
    params = load_params(project / "params.yaml")
    assert params.profile == profile
    stages = {stage.name: stage for stage in Repo(str(project)).index.stages}
    for corpus in params.corpora:
        tracked = stages[f"dpo@{corpus}"].params
        assert {key for dependency in tracked for key in dependency.params} >= {"seed", "dpo", "compute"}
    assert "# Every parameter of the pipeline." in (project / "params.yaml").read_text()


def test_default_profile_undoes_every_other(project: Path) -> None:
    for profile in list_profiles(project):
        apply_profile(project, profile)
        apply_profile(project, "default")
        assert read_yaml(project / "params.yaml") == read_yaml(ROOT / "params.yaml"), profile


def test_a_mapping_of_a_profile_fills_and_an_empty_one_empties(project: Path) -> None:
    labelled = {name: f"data/labelled/{name}.jsonl" for name in ("udhr", "bcg")}
    for name, value in (("measured", labelled), ("unmeasured", {})):
        (project / f"profiles/{name}.yaml").write_text(yaml.safe_dump({"labelled": value}))
        apply_profile(project, name)
        assert load_params(project / "params.yaml").labelled == value
        stages = {stage.name for stage in Repo(str(project)).index.stages}
        assert {stage for stage in stages if stage.startswith("validators@")} == {
            f"validators@{name}" for name in value
        }
        assert "# What must hold of a candidate" in (project / "params.yaml").read_text()


def test_invalid_profile_changes_nothing(project: Path) -> None:
    committed = (project / "params.yaml").read_text()
    (project / "profiles/bad.yaml").write_text("sft: {epoch: 1}")
    with pytest.raises(CharterError, match=r"profiles/bad\.yaml: sft\.epoch"):
        apply_profile(project, "bad")
    assert (project / "params.yaml").read_text() == committed
    with pytest.raises(CharterError, match="no profile 'none'; there are bad, default, paper, smoke"):
        load_overlay(project, "none")


def test_every_key_says_what_it_means() -> None:
    """The parameters' reference is made from these."""
    sections = [Params, *vars(charter.project.sections).values()]
    for section in sections:
        if isinstance(section, type) and issubclass(section, ParamsSection):
            for key, field in section.model_fields.items():
                assert field.description, f"{section.__name__}.{key}"


def test_parsing_leaves_the_values_alone(values: Any) -> None:
    before = copy.deepcopy(values)
    parse_params(values, "params.yaml")
    assert values == before
