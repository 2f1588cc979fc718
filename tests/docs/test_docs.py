"""The documentation says what is there: pages from code are current, commands exist, links lead somewhere."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import pytest
import typer
import yaml

from charter.cli.main import app
from charter.cli.pipeline import CORPUS_STAGES, SHARED_STAGES
from charter.project.metric_names import GATE_METRICS
from charter.project.params import PARAMS_FILE, parse_params, read_yaml

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
README_LINES = 150
FETCHED = {"script": "src", "link": "href", "img": "src", "source": "src", "iframe": "src", "object": "data"}
"""What a browser loads by itself, and the attribute that says from where."""

REMOVED = (
    "charter repro",
    "update_deps",
    "profile default",
    "warm_start",
    "scaling.md",
    "params.py`",
    "tracking/",
)
"""What was there once. Paths of params.py are given with their room, so the bare name is an old one."""


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; any warning of the build fails it."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


class Page(HTMLParser):
    """What a page of the site links to and loads, and the places in it that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.places |= {value for name in ("id", "name") if (value := values.get(name))}
        if tag == "a" and (link := values.get("href")):
            self.links.append(link)
        if tag in FETCHED and (source := values.get(FETCHED[tag])):
            self.loaded.append(source)


@pytest.mark.parametrize("name", ["parameters.md", "commands.md", "data-formats.md"])
def test_pages_made_from_code_are_current(name: str, load_script: Callable[[str], ModuleType]) -> None:
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "params.yaml"], cwd=ROOT, check=False)
    if name == "parameters.md" and changed.returncode == 1:
        pytest.skip("params.yaml has edits that aren't committed, such as a profile")
    written = load_script("scripts/build_docs").pages()[name]
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == written, "run python scripts/build_docs.py"


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_no_page_speaks_of_what_is_gone(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not [gone for gone in REMOVED if re.search(rf"(?<!project/){re.escape(gone)}", text)]


def code(path: Path) -> Iterator[str]:
    """The lines of code blocks, without comments, and the code spans of a page."""
    text = path.read_text(encoding="utf-8")
    for block in re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield re.split(r"(?:^|\s)#|\s{3,}", line)[0]
    without = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", without)


def calls(tool: str) -> list[tuple[str, list[str]]]:
    """Each call of a tool that a page names, as the page and the words behind the tool's name."""
    found = []
    for page in PAGES:
        for line in code(page):
            call = re.match(rf"(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S+/)?{tool} ([^|;&]+)$", line.strip())
            if call:
                found.append((page_id(page), call[1].split()))
    return found


@pytest.mark.parametrize(("page", "words"), calls("charter"), ids=str)
def test_commands_exist(page: str, words: list[str]) -> None:
    """The command, each of its options and, for a stage, its name."""
    command = typer.main.get_command(app).commands.get(words[0])
    assert command is not None, f"{page}: no command charter {words[0]}"
    if words[1:] and words[1].islower() and (inner := getattr(command, "commands", None)):
        command = inner.get(words[1])
        assert command is not None, f"{page}: no command charter {words[0]} {words[1]}"
    options = {name: item for item in command.params for name in item.opts + item.secondary_opts}
    for word in words[1:]:
        if word.startswith("-"):
            assert word in options, f"{page}: charter {words[0]} has no {word}"
    if words[0] == "stage" and words[1:] and words[1].islower():
        assert words[1] in CORPUS_STAGES + SHARED_STAGES


@pytest.mark.parametrize(("page", "words"), calls("make"), ids=str)
def test_make_targets_exist(page: str, words: list[str]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {word for word in words if "=" not in word} <= targets, page


@pytest.mark.parametrize(("page", "words"), calls("dvc repro"), ids=str)
def test_stages_that_are_run_exist(page: str, words: list[str]) -> None:
    for word in words:
        if word.startswith("-"):
            continue
        stage, _, corpus = word.partition("@")
        assert stage in (CORPUS_STAGES if corpus else CORPUS_STAGES + SHARED_STAGES), page


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_that_are_named_exist(page: Path) -> None:
    """Scripts, tests and profiles; what a run makes isn't in git and isn't looked for."""
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"\b((?:scripts|benchmarks|tests|profiles|src/charter)/[\w./-]*\w)", text):
        if "NAME" in name:
            continue
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\b((?:project|cli|stages)/\w+\.py)", text):
        assert (ROOT / "src/charter" / name).exists(), name


def examples() -> list[tuple[str, str]]:
    """The YAML of each page: parts of params.yaml."""
    return [
        (page_id(page), block)
        for page in PAGES
        for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    ]


@pytest.mark.parametrize(("page", "block"), examples(), ids=str)
def test_examples_of_parameters_are_valid(page: str, block: str) -> None:
    values = read_yaml(ROOT / PARAMS_FILE)
    values["corpora"]["policy"] = values["corpora"]["bcg"]
    for section, part in yaml.safe_load(block).items():
        values[section] = values[section] | part if isinstance(part, dict) else part
    parse_params(values, page)


def test_calls_are_found() -> None:
    assert {words[0] for _, words in calls("charter")} >= {"add", "promote", "profile", "results", "ui"}
    assert {words[0] for _, words in calls("make")} >= {"repro", "test"}


def test_the_site_has_no_dead_link(site: Path) -> None:
    pages = {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) >= 15
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.is_file() or (
                parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places
            ):
                dead.append(f"{path.name}: {link}")
    assert not dead


def test_links_of_the_readme_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not urlsplit(link).scheme]
    assert links
    assert not [link for link in links if not (ROOT / link.split("#")[0]).is_file()]


def test_reading_the_site_fetches_nothing(site: Path) -> None:
    for path in site.rglob("*.html"):
        remote = [link for link in Page(path).loaded if urlsplit(link).netloc]
        assert not remote, path.name
    for path in site.rglob("*.css"):
        styles = path.read_text(encoding="utf-8")
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", styles), path.name


def test_every_metric_that_a_gate_may_name_is_explained() -> None:
    text = (ROOT / "docs/evaluation.md").read_text(encoding="utf-8")
    assert [name for name in GATE_METRICS if f"`{name}`" not in text] == []


def test_every_command_is_described() -> None:
    text = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    assert [name for name in typer.main.get_command(app).commands if f"## `charter {name}`" not in text] == []
