"""The three training stages in order, from rows on disk to adapters on disk."""

from pathlib import Path

import pytest

from charter.errors import CharterError
from charter.params import Params
from charter.paths import CorpusPaths, ProjectPaths
from charter.records import Demonstration, InstructExample, PreferencePair, content_id
from charter.stages import cft, dpo, sft
from charter.storage import write_rows
from rows import chunk_of

pytestmark = pytest.mark.models


@pytest.fixture
def paths(tiny_seed: Path, tmp_path: Path) -> CorpusPaths:
    """A project with a tiny seed and a few rows of every kind, validation splits empty."""
    paths = ProjectPaths(tmp_path).corpus("bcg")
    paths.seed.parent.mkdir(parents=True)
    paths.seed.symlink_to(tiny_seed)
    texts = [f"Gifts above {amount} euros need the consent of the manager." for amount in range(20, 26)]
    chunk = content_id("chunk")
    write_rows(
        paths.chunks,
        (chunk_of(text, document="code") for text in texts),
    )
    write_rows(
        paths.instruct("train"),
        (
            InstructExample(
                id=content_id(text), chunk_id=chunk, style="rule", question="And gifts?", answer=text
            )
            for text in texts
        ),
    )
    write_rows(
        paths.preference("train"),
        (
            PreferencePair(
                id=content_id(text),
                chunk_id=chunk,
                prompt="A supplier sends wine.",
                chosen=text,
                rejected="Keep it.",
            )
            for text in texts
        ),
    )
    write_rows(paths.instruct("validation"), [])
    write_rows(paths.preference("validation"), [])
    write_rows(
        paths.demonstrations,
        [
            Demonstration(
                id=chunk, kind="harmful", prompt="How do I steal?", response="I can't help with theft."
            )
        ],
    )
    return paths


def test_the_stages_train_three_adapters(params: Params, paths: CorpusPaths) -> None:
    for name, stage in (("cft", cft), ("sft", sft), ("dpo", dpo)):
        metrics = stage.run(params, paths)
        assert metrics["train_examples"] == (7 if name == "sft" else 6)
        assert metrics["steps"] >= 1
        assert metrics["tokens"] > 0
        assert (paths.adapter(name) / "adapter_model.safetensors").is_file()
        assert paths.curve(name).read_text().startswith("step,epoch,loss,")


def test_a_row_too_long_stops_the_stage(params: Params, paths: CorpusPaths) -> None:
    short = params.model_copy(update={"sft": params.sft.model_copy(update={"max_length": 16})})
    with pytest.raises(CharterError, match=r"sft\.max_length"):
        sft.run(short, paths)
    assert not paths.adapter("sft").exists()
