"""What `charter add` can't take: an error that names the file, exit code 1, and nothing changed."""

import io
import os
import random
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from charter import cli
from charter.documents import formats
from office_files import write_docx, write_pptx

ROOT = Path(__file__).parent.parent.parent
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)
NOISE = random.Random(7).randbytes(4000)
Write = Callable[[Path], object]


def pdf(password: str | None = None, scan: bool = False) -> bytes:
    data = io.BytesIO()
    canvas = Canvas(data, encrypt=StandardEncryption(password) if password else None)
    if scan:
        canvas.drawImage(ImageReader(io.BytesIO(PNG)), 0, 0, 600, 800)
    else:
        for line in range(40):
            canvas.drawString(72, 800 - 18 * line, f"Rule {line} is kept by all who work here.")
    canvas.save()
    return data.getvalue()


def archive(members: dict[str, bytes], encrypted: bool = False) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    written = data.getvalue()
    # Bit 0 of a member's flags, in the central directory.
    at = written.index(b"PK\x01\x02") + 8
    return written[:at] + bytes([written[at] | encrypted]) + written[at + 1 :]


def bomb() -> bytes:
    return archive({"word/document.xml": bytes(2_000_000)})


def truncated_docx(path: Path) -> None:
    write_docx(path, "<w:p><w:r><w:t>A rule.</w:t></w:r></w:p>" * 9)
    path.write_bytes(path.read_bytes()[:-200])


def wrote(content: bytes) -> Write:
    return lambda path: path.write_bytes(content)


def loop(path: Path) -> None:
    path.mkdir()
    (path / "a.md").symlink_to(path / "b.md")
    (path / "b.md").symlink_to(path / "a.md")


def link_out(path: Path) -> None:
    path.mkdir()
    (path.parent / "secret.md").write_text("private")
    (path / "a.md").symlink_to(path.parent / "secret.md")


def folder_link_out(path: Path) -> None:
    path.mkdir()
    (path.parent / "private").mkdir()
    (path / "a").symlink_to(path.parent / "private")


def pipe(path: Path) -> None:
    os.mkfifo(path)


BAD: dict[str, tuple[str, Write, str, str]] = {
    # what it is: file name, how it is made, the name in the message, what the message says
    "empty": ("x.md", wrote(b""), "x.md", "the file is empty; remove"),
    "blanks": ("x.txt", wrote(b" \n\t \r\n"), "x.txt", "the file is empty; remove"),
    "only marks": ("x.txt", wrote(b"--- *** ---\n"), "x.txt", "no text in it; remove"),
    "noise as PDF": ("x.pdf", wrote(NOISE), "x.pdf", "corrupt or not what its suffix says"),
    "noise as Word": ("x.docx", wrote(NOISE), "x.docx", "corrupt or not what its suffix says"),
    "noise as slides": ("x.pptx", wrote(NOISE), "x.pptx", "corrupt or not what its suffix says"),
    "noise as book": ("x.epub", wrote(NOISE), "x.epub", "corrupt or not what its suffix says"),
    "noise as page": ("x.html", wrote(NOISE), "x.html", "not text (it has null"),
    "noise as text": ("x.txt", wrote(NOISE), "x.txt", "not UTF-8"),
    "nulls": ("x.txt", wrote(b"text\0\0\1"), "x.txt", "not text"),
    "image as text": ("x.txt", wrote(PNG), "x.txt", "not UTF-8"),
    "image as Markdown": ("x.md", wrote(PNG), "x.md", "not UTF-8"),
    "image as PDF": ("x.pdf", wrote(PNG), "x.pdf", "corrupt or not what its suffix says"),
    "older encoding": ("x.txt", wrote("Café".encode("cp1252")), "x.txt", "iconv"),
    "truncated PDF": ("x.pdf", wrote(pdf()[:700]), "x.pdf", "corrupt or not what its suffix says"),
    "truncated Word": ("x.docx", truncated_docx, "x.docx", "corrupt"),
    "encrypted PDF": ("x.pdf", wrote(pdf("secret")), "x.pdf", "encrypted; save a copy without a password"),
    "encrypted archive": ("x.docx", wrote(archive({"a": b"b"}, True)), "x.docx", "encrypted"),
    "encrypted Word": ("x.docx", wrote(bytes.fromhex("d0cf11e0a1b11ae1") + NOISE), "x.docx", "encrypted"),
    "scan": ("x.pdf", wrote(pdf(scan=True)), "x.pdf", "run OCR first"),
    "plain archive": ("x.docx", wrote(archive({"a.txt": b"text"})), "x.docx", "corrupt"),
    "archive as book": ("x.epub", wrote(archive({"a.txt": b"text"})), "x.epub", "corrupt"),
    "archive bomb": ("x.docx", wrote(bomb()), "x.docx", "when unpacked"),
    "Word without text": (
        "x.docx",
        lambda path: write_docx(path, "<w:p/>"),
        "x.docx",
        "no text in it; remove",
    ),
    "slides without text": (
        "x.pptx",
        lambda path: write_pptx(path, "<a:p/>"),
        "x.pptx",
        "no text in it; remove",
    ),
    "page of scripts": (
        "x.html",
        wrote(b"<html><head><title>T</title></head><body><script>var rule = 1</script></body></html>"),
        "x.html",
        "no text in it; remove",
    ),
    "only front matter": ("x.md", wrote(b"---\ntitle: Rules\n---\n"), "x.md", "no text in it; remove"),
    "unknown type": ("x.xyz", wrote(b"text"), "x.xyz", "unsupported type .xyz; supported: .docx, "),
    "no suffix": ("x", wrote(b"text"), "x", "unsupported type (no suffix)"),
    "name that is not UTF-8": (os.fsdecode(b"x\xff.md"), wrote(b"text"), "x\\xff.md", "rename the file"),
    "enormous": ("x.txt", wrote(b"word " * 250_000), "x.txt", "split it"),
    "missing": ("x.pdf", lambda _: None, "x.pdf", "no such file or folder"),
    "no match": ("x/**/*.pdf", lambda _: None, "x/**/*.pdf", "no file matches"),
    "empty folder": ("x", Path.mkdir, "x", "no files in this folder"),
    "pipe": ("x.txt", pipe, "x.txt", "not a file or a folder"),
    "link that leads nowhere": ("x.md", lambda path: path.symlink_to("gone.md"), "x.md", "no such file"),
    "links in a circle": ("x", loop, "a.md", "leads nowhere"),
    "link out of the folder": ("x", link_out, "a.md", "leads out of"),
    "folder link out of the folder": ("x", folder_link_out, "x/a", "leads out of"),
}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    (root / "data/raw").mkdir(parents=True)
    shutil.copy(ROOT / "params.yaml", root)
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_input_is_named_and_changes_nothing(
    kind: str,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(formats, "LARGEST_FILE", 1_000_000)
    name, make, named, message = BAD[kind]
    bad = tmp_path / "sources" / name
    bad.parent.mkdir(parents=True, exist_ok=True) if "*" not in name else None
    make(bad)
    (tmp_path / "good.md").write_text("A rule.\n")
    before = snapshot(project)
    monkeypatch.setattr(sys, "argv", ["charter", "add", "ours", str(tmp_path / "good.md"), str(bad)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    error = capsys.readouterr().err
    assert named in error
    assert message in error
    assert "Traceback" not in error
    assert snapshot(project) == before
    assert list((project / "data/raw").iterdir()) == []
