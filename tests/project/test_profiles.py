"""Profiles: laid over the user's params.yaml, and taken off again exactly."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo
from dvc.utils.hydra import apply_overrides

from charter.project import profiles
from charter.project.errors import CharterError
from charter.project.params import load_params, read_yaml
from charter.project.pinned_files import read_pinned
from charter.project.profiles import apply_profile, list_profiles, take_off_profile
from charter.project.storage import write_text
from params_text import set_value

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A DVC repository with this project's pipeline and parameters."""
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    Repo.init(str(tmp_path), no_scm=True)
    return tmp_path


@pytest.fixture
def file(project: Path) -> Path:
    """The user's own params.yaml, with values and a layout of their own."""
    path = project / "params.yaml"
    text = path.read_text()
    for old, new in (
        ("  judge_items: 20\n", "  judge_items:   7   # mine\n"),
        ("seed: {artifact: smollm2-135m-instruct, hub: null, served: null}", "seed: {hub: acme/small@v1}"),
        ("  learning_rate: 1.0e-3\n", "  learning_rate: 3.0e-3\n"),
        ("  attention: sdpa\n", "  attention: eager  # faster here\n"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text)
    return path


def edit(file: Path, key: str, value: Any) -> None:
    file.write_text(set_value(file.read_text(), key.split("."), value))


def values(file: Path) -> dict[str, Any]:
    """The parameters in effect, without what a profile leaves to others."""
    return load_params(file).model_dump(exclude={"profile"})


@pytest.mark.parametrize("profile", list_profiles(ROOT))
def test_profile_goes_through_params_and_dvc(project: Path, profile: str) -> None:
    apply_profile(project, profile)
    params = load_params(project / "params.yaml")
    assert params.profile == profile
    artifacts = {source.artifact for _, source in params.base_models} - {None}
    assert artifacts <= set(read_pinned(ROOT / "data/pinned/models.yaml"))
    stages = {stage.name: stage for stage in Repo(str(project)).index.stages}
    for corpus in params.corpora:
        tracked = stages[f"dpo@{corpus}"].params
        assert {key for dependency in tracked for key in dependency.params} >= {"seed", "dpo", "compute"}


@pytest.mark.parametrize("profile", list_profiles(ROOT))
def test_off_gives_the_users_file_back_byte_by_byte(project: Path, file: Path, profile: str) -> None:
    own = file.read_bytes()
    apply_profile(project, profile)
    assert values(file) != yaml.safe_load(own)
    assert take_off_profile(project) == []
    assert file.read_bytes() == own
    assert take_off_profile(project) == []
    assert file.read_bytes() == own


def test_line_ends_of_the_users_file_come_back(project: Path, file: Path) -> None:
    own = file.read_bytes().replace(b"\n", b"\r\n")
    file.write_bytes(own)
    apply_profile(project, "smoke")
    assert load_params(file).profile == "smoke"
    take_off_profile(project)
    assert file.read_bytes() == own


def test_paper_then_smoke_is_smoke_alone(project: Path, file: Path) -> None:
    own = file.read_bytes()
    apply_profile(project, "smoke")
    smoke = file.read_bytes()
    apply_profile(project, "paper")
    assert load_params(file).teacher.engine == "openai"
    apply_profile(project, "smoke")
    assert file.read_bytes() == smoke
    params = load_params(file)
    assert params.base_models.seed.hub == "acme/small@v1"
    assert (params.compute.quantization, params.teacher.engine) == ("none", "openvino")
    take_off_profile(project)
    assert file.read_bytes() == own


def test_applying_a_profile_twice_changes_nothing(project: Path, file: Path) -> None:
    apply_profile(project, "smoke")
    once = file.read_bytes()
    apply_profile(project, "smoke")
    assert file.read_bytes() == once


def test_a_key_that_the_profile_leaves_alone_stays_edited(project: Path, file: Path) -> None:
    own = file.read_text()
    apply_profile(project, "smoke")
    edit(file, "retrieval.passages", 4)
    assert take_off_profile(project) == []
    assert file.read_text() == set_value(own, ("retrieval", "passages"), 4)


def test_an_edit_over_the_profile_is_kept_and_told(project: Path, file: Path) -> None:
    own = file.read_text()
    apply_profile(project, "smoke")
    edit(file, "evaluate.judge_items", 9)
    assert take_off_profile(project) == ["evaluate.judge_items"]
    assert file.read_text() == set_value(own, ("evaluate", "judge_items"), 9)


def test_an_edit_over_the_profile_survives_a_change_of_profile(project: Path, file: Path) -> None:
    apply_profile(project, "paper")
    edit(file, "extract.max_tokens", 333)
    edit(file, "evaluate.max_new_tokens", 50)
    assert apply_profile(project, "smoke") == ["extract.max_tokens", "evaluate.max_new_tokens"]
    assert load_params(file).extract.max_tokens == 333
    assert load_params(file).evaluate.max_new_tokens == 24
    take_off_profile(project)
    assert load_params(file).evaluate.max_new_tokens == 50


def test_an_edit_over_the_profile_stays_in_effect_when_it_is_applied_again(project: Path, file: Path) -> None:
    own = values(file)
    apply_profile(project, "paper")
    edit(file, "extract.max_tokens", 333)
    edit(file, "base_models.teacher.served", "acme/large")
    edited = values(file)
    for _ in range(2):
        assert apply_profile(project, "paper") == ["base_models.teacher", "extract.max_tokens"]
        assert values(file) == edited
    assert take_off_profile(project) == ["base_models.teacher", "extract.max_tokens"]
    extract = own["extract"] | {"max_tokens": 333}
    teacher = edited["base_models"]["teacher"]
    models = own["base_models"] | {"teacher": teacher}
    assert values(file) == own | {"extract": extract, "base_models": models}


def test_a_models_source_is_kept_whole(project: Path, file: Path) -> None:
    apply_profile(project, "paper")
    edit(file, "base_models.teacher.served", "acme/large")
    assert apply_profile(project, "smoke") == ["base_models.teacher"]
    source = load_params(file).base_models.teacher
    assert (source.artifact, source.served) == (None, "acme/large")
    assert load_params(file).base_models.seed.hub == "acme/small@v1"


def test_a_profile_that_has_changed_since_is_taken_off_as_it_was(project: Path, file: Path) -> None:
    own = file.read_bytes()
    apply_profile(project, "smoke")
    (project / "profiles/smoke.yaml").write_text("extract: {limit: 5}")
    take_off_profile(project)
    assert file.read_bytes() == own


def test_comments_that_are_added_stay_while_a_profile_is_applied(project: Path, file: Path) -> None:
    apply_profile(project, "smoke")
    text = file.read_text()
    file.write_text(text.replace("retrieval:\n", "# Mine.\nretrieval:\n") + "# At the end.\n")
    take_off_profile(project)
    assert "\n# Mine.\nretrieval:\n" in file.read_text()
    assert file.read_text().endswith("\n# At the end.\n")


def test_an_experiment_of_dvc_keeps_what_is_remembered(project: Path, file: Path) -> None:
    own = values(file)
    apply_profile(project, "smoke")
    apply_overrides(file, ["dpo.beta=0.3", "extract.limit=7"])
    assert take_off_profile(project) == ["extract.limit"]
    assert values(file) == own | {"dpo": own["dpo"] | {"beta": 0.3}, "extract": own["extract"] | {"limit": 7}}


def test_a_mapping_of_a_profile_fills_and_an_empty_one_empties(project: Path) -> None:
    file = project / "params.yaml"
    own = file.read_bytes()
    labelled = {name: f"data/labelled/{name}.jsonl" for name in ("udhr", "bcg")}
    for name, value in (("measured", labelled), ("unmeasured", {})):
        (project / f"profiles/{name}.yaml").write_text(yaml.safe_dump({"labelled": value}))
        apply_profile(project, name)
        assert load_params(file).labelled == value
        stages = {stage.name for stage in Repo(str(project)).index.stages}
        assert {stage for stage in stages if stage.startswith("validators@")} == {
            f"validators@{name}" for name in value
        }
    take_off_profile(project)
    assert file.read_bytes() == own


def test_lists_are_replaced_and_put_back(project: Path, file: Path) -> None:
    own = file.read_bytes()
    gates = read_yaml(file)["gates"][:1]
    (project / "profiles/strict.yaml").write_text(yaml.safe_dump({"gates": gates}))
    apply_profile(project, "strict")
    assert len(load_params(file).gates) == 1
    take_off_profile(project)
    assert file.read_bytes() == own


def test_invalid_profile_changes_nothing(project: Path, file: Path) -> None:
    apply_profile(project, "smoke")
    before = file.read_bytes()
    (project / "profiles/bad.yaml").write_text("sft: {epoch: 1}")
    with pytest.raises(CharterError, match=r"profiles/bad\.yaml: sft\.epoch"):
        apply_profile(project, "bad")
    with pytest.raises(CharterError, match="no profile 'huge'; there are bad, paper, smoke, standard"):
        apply_profile(project, "huge")
    assert file.read_bytes() == before


def test_an_interruption_between_writes_leaves_the_users_file(
    project: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever write is the last one, params.yaml is whole, and its profile is remembered."""
    own = file.read_bytes()
    apply_profile(project, "paper")
    for writes in range(3):
        left = iter(range(writes))

        def write(path: Path, text: str, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt
            write_text(path, text)

        with monkeypatch.context() as patch:
            patch.setattr(profiles, "write_text", write)
            with pytest.raises(KeyboardInterrupt):
                apply_profile(project, "smoke")
        assert load_params(file).profile == ("none" if writes else "paper")
    apply_profile(project, "smoke")
    take_off_profile(project)
    assert file.read_bytes() == own


def test_lost_memory_is_told_and_nothing_changes(project: Path, file: Path) -> None:
    apply_profile(project, "smoke")
    before = file.read_bytes()
    memory = project / profiles.USERS_FILE
    text = memory.read_text()
    conflict = text.replace("seed: 42\n", "<<<<<<< HEAD\nseed: 42\n")
    for lost in (text.replace('"smoke"', '"paper"'), "<<<<<<< HEAD\n", conflict, None):
        memory.unlink()
        if lost is not None:
            memory.write_text(lost)
        for change in (take_off_profile, lambda root: apply_profile(root, "paper")):
            with pytest.raises(CharterError, match=r"params\.yaml: it says profile smoke, but params"):
                change(project)
        assert file.read_bytes() == before


def test_memory_of_another_branch_is_ignored(project: Path, file: Path) -> None:
    own = file.read_bytes()
    apply_profile(project, "smoke")
    file.write_bytes(own)
    assert apply_profile(project, "paper") == []
    take_off_profile(project)
    assert file.read_bytes() == own
    assert not (project / profiles.USERS_FILE).exists()
