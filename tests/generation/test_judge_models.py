"""Judges that are models of their own: how they are recorded, and which key goes to whose server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from charter.generation.judge_models import judge_models
from charter.generation.teacher import teacher_model
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.storage import read_json
from charter.stages import judges
from hub_server import COMMIT, serving_hub
from judge_params import judge_of, served_judge, with_judges
from local_server import free_port, serving
from played_server import CHOICE, Behaviour, PlayedServer


@pytest.fixture
def server() -> Iterator[PlayedServer]:
    with serving(PlayedServer(Behaviour())) as running:
        yield running


@pytest.fixture
def paths(tmp_path: Path) -> ProjectPaths:
    return ProjectPaths(tmp_path)


def test_the_stage_lays_out_those_that_are_named_and_no_other(params: Params, paths: ProjectPaths) -> None:
    own = judge_of("own", model={"hub": f"acme/model@{COMMIT}"})
    with serving_hub({"model.safetensors": b"weights", "config.json": b"{}"}, paths.root / "cache"):
        judges.run(with_judges(params, "teacher", own), paths)
    assert (paths.judge("own") / "model.safetensors").read_bytes() == b"weights"
    assert read_json(paths.judge("own") / "source.json") == {"hub": f"acme/model@{COMMIT}"}
    judges.run(with_judges(params, "teacher"), paths)
    assert [folder.name for folder in paths.judges.iterdir()] == ["teacher"]
    assert read_json(paths.judge("teacher") / "source.json") == {"same_as": "models/base/teacher"}


def test_a_server_is_recorded_probed_and_asked_with_its_own_key(
    params: Params, paths: ProjectPaths, server: PlayedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-teachers")
    monkeypatch.setenv("ACME_KEY", "the-judges")
    for variable, sent in ((None, None), ("ACME_KEY", "Bearer the-judges")):
        server.keys.clear()
        chosen = with_judges(params, served_judge("played", server.url, key_variable=variable))
        judges.run(chosen, paths)
        with judge_models(chosen, paths)["played"].open(paths.journal) as engine:
            (verdict,) = engine.complete([CHOICE], "test")
        assert verdict.text == "Yes"
        assert server.keys == {sent}
    note = read_json(paths.judge("played") / "source.json")
    assert note["model"] == {"id": "played", "owned_by": "tests"}
    assert note["capabilities"]["logprobs"] is True


def test_a_server_that_is_away_or_another_is_named_by_the_judge(
    params: Params, paths: ProjectPaths, server: PlayedServer
) -> None:
    address = f"http://127.0.0.1:{free_port()}/v1"
    away = with_judges(params, served_judge("played", address))
    with pytest.raises(CharterError, match=r"^judges\.played\.base_url: no server answers at .*start it"):
        judges.run(away, paths)
    chosen = with_judges(params, served_judge("played", server.url))
    judges.run(chosen, paths)
    note = paths.judge("played") / "source.json"
    note.write_text(note.read_text().replace("tests", "others"))
    with pytest.raises(CharterError, match=r"^judges\.played\.model\.served: .*dvc repro --force judges"):
        judge_models(chosen, paths)["played"].open(paths.journal)


def test_a_key_that_is_wanted_is_named_by_its_variable(
    params: Params, paths: ProjectPaths, server: PlayedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_KEY", "a\nb")
    chosen = with_judges(params, served_judge("played", server.url, key_variable="ACME_KEY"))
    with pytest.raises(CharterError, match=r"^ACME_KEY has characters that no key has"):
        judges.run(chosen, paths)


def test_the_word_stands_for_the_teacher(params: Params, paths: ProjectPaths) -> None:
    assert judge_models(params, paths) == {"teacher": teacher_model(params, paths)}
