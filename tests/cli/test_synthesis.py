"""Looking at synthesis before and after it: preview, filters, rules."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import Chunk, Rejected, Rule, RuleDecision
from charter.project.storage import read_rows, write_rows
from charter.stages import rules as rules_stage
from local_server import serving
from params_text import set_value
from scripted_teacher import ScriptedTeacher, subjects
from scripted_teacher import make_project as make_scripted_project
from synthetic_project import make_project, write_data

pytest_plugins = ["mlflow_store"]

Charter = Callable[..., Any]


class Page(HTMLParser):
    """Checks that what is opened is closed, and collects what a browser would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def paths(tmp_path: Path) -> CorpusPaths:
    """A project with the data of a run."""
    make_project(tmp_path)
    for corpus in ("udhr", "bcg"):
        write_data(ProjectPaths(tmp_path).corpus(corpus))
    return ProjectPaths(tmp_path).corpus("udhr")


@pytest.fixture
def teacher() -> Iterator[ScriptedTeacher]:
    with serving(ScriptedTeacher()) as server:
        yield server


def test_rules_are_printed_with_where_they_stand(charter: Charter, paths: CorpusPaths) -> None:
    done = charter("rules", "udhr", folder=paths.root)
    assert (done.code, done.err) == (0, "")
    for rule in read_rows(paths.rules, Rule):
        assert rule.id in done.out
        assert rule.statement in done.out
    assert "Rules > Gifts" in done.out
    assert "implied: who judges it" in done.out
    assert f"3 rules, 0 of them decided; 0 decisions in {paths.decisions}" in done.out


def fill_in(file: Path, **decided: tuple[str, str, str]) -> None:
    """Fill in the last columns of a sheet, by the number of the row."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    for place, (decision, statement, note) in decided.items():
        rows[int(place[1:])] |= {"decision": decision, "new_statement": statement, "note": note}
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_who_answers_for_the_document_decides_in_a_spreadsheet(
    charter: Charter, paths: CorpusPaths, tmp_path: Path
) -> None:
    sheet = tmp_path / "rules.csv"
    done = charter("rules", "udhr", "--csv", str(sheet), folder=paths.root)
    assert done.out.endswith(f"wrote {sheet}\n")
    assert sheet.read_bytes().startswith(b"\xef\xbb\xbf"), "spreadsheet programs need it"
    rules = read_rows(paths.rules, Rule)
    with sheet.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["id"] for row in rows] == [rule.id for rule in rules]
    assert [row["quotation"] for row in rows] == [rule.quotation for rule in rules]
    assert rows[0]["section"] == "Rules > Gifts"
    assert rows[2]["grey"] == "implied: who judges it"
    assert all(row["decision"] == row["new_statement"] == row["note"] == "" for row in rows)

    fill_in(sheet, r0=("Strike", "", " no rule "), r1=("edit", "Gifts that\n go back  are entered.", ""))
    done = charter("rules", "udhr", "--take", str(sheet), folder=paths.root)
    assert (done.code, done.err) == (0, "")
    assert "3 rules, 2 of them decided; 2 decisions in" in done.out
    assert read_rows(paths.decisions, RuleDecision) == [
        RuleDecision(rule_id=rules[0].id, decision="strike", statement="", note="no rule"),
        RuleDecision(
            rule_id=rules[1].id, decision="edit", statement="Gifts that go back are entered.", note=""
        ),
    ]
    # A second sheet has what was decided, so that taking it back changes nothing.
    before = paths.decisions.read_bytes()
    second = tmp_path / "second.csv"
    for option in ("--csv", "--take"):
        assert charter("rules", "udhr", option, str(second), folder=paths.root).code == 0
    assert paths.decisions.read_bytes() == before


def test_a_sheet_with_semicolons_is_read(charter: Charter, paths: CorpusPaths, tmp_path: Path) -> None:
    (first, *_) = read_rows(paths.rules, Rule)
    sheet = tmp_path / "rules.csv"
    columns = "id;section;statement;modality;decision;new_statement;note"
    sheet.write_text(f"{columns}\n{first.id};;Gifts, and more;duty;accept;;\n", encoding="utf-8-sig")
    assert charter("rules", "udhr", "--take", str(sheet), folder=paths.root).code == 0
    assert [row.decision for row in read_rows(paths.decisions, RuleDecision)] == ["accept"]


@pytest.mark.parametrize(
    ("rows", "messages"),
    [
        ([("{0}", "maybe", "")], ["row 2: decision is 'maybe', not accept, edit, strike"]),
        ([("{0}", "edit", "")], ["row 2: new_statement is for decision edit, and edit needs one"]),
        ([("{0}", "strike", "Gifts.")], ["row 2: new_statement is for decision edit, and edit needs one"]),
        (
            [("{0}", "accept", ""), ("gone", "strike", ""), ("{1}", "no", "")],
            ["row 3: no rule 'gone' in the register", "row 4: decision is 'no'"],
        ),
    ],
)
def test_a_wrong_sheet_changes_nothing_and_each_row_is_named(
    charter: Charter,
    paths: CorpusPaths,
    tmp_path: Path,
    rows: list[tuple[str, str, str]],
    messages: list[str],
) -> None:
    ids = [rule.id for rule in read_rows(paths.rules, Rule)]
    lines = [f"{rule.format(*ids)},{decision},{statement}," for rule, decision, statement in rows]
    sheet = tmp_path / "rules.csv"
    sheet.write_text("\n".join(("id,decision,new_statement,note", *lines)))
    done = charter("rules", "udhr", "--take", str(sheet), folder=paths.root)
    assert done.code == 1
    assert done.err.startswith(f"charter: {sheet}: nothing was taken from it:\n")
    for message in messages:
        assert message in done.err
    assert not paths.decisions.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can't be read as a CSV file in UTF-8"),
        (b"\xff\xfe\x00", "can't be read as a CSV file in UTF-8"),
        (b"id,note\nx,y\n", "no column decision, new_statement; `charter rules --csv` writes them"),
        (b"", "no column decision, id, new_statement, note"),
    ],
)
def test_what_is_no_sheet_is_told(
    charter: Charter, paths: CorpusPaths, tmp_path: Path, content: bytes | None, message: str
) -> None:
    sheet = tmp_path / "rules.csv"
    if content is not None:
        sheet.write_bytes(content)
    done = charter("rules", "udhr", "--take", str(sheet), folder=paths.root)
    assert done.code == 1
    assert message in done.err


def test_rules_are_a_page_that_loads_nothing(charter: Charter, paths: CorpusPaths, tmp_path: Path) -> None:
    first, *others = read_rows(paths.rules, Rule)
    sly = first.model_copy(
        update={"statement": "No <b>gifts</b>.", "limits": ("50 €",), "reason": "they bind"}
    )
    write_rows(paths.rules, [sly, *others])
    decided = RuleDecision(rule_id=sly.id, decision="edit", statement="No gifts at all.", note="shorter")
    write_rows(paths.decisions, [decided])
    page = tmp_path / "rules.html"
    done = charter("rules", "udhr", "--html", str(page), folder=paths.root)
    assert done.out.endswith(f"wrote {page}\n")
    text = page.read_text(encoding="utf-8")
    assert Page(text).loads == []
    assert "No &lt;b&gt;gifts&lt;/b&gt;." in text
    assert "50 €" in text
    assert "because: they bind" in text
    assert "Decision: edit: No gifts at all. (shorter)" in text
    assert "Grey: implied: who judges it" in text
    assert "3 rules, 1 decided by people, 1 marked grey" in text


def test_pages_and_sheets_are_in_the_documents_order_and_brackets_are_text(
    charter: Charter, paths: CorpusPaths, tmp_path: Path
) -> None:
    first, *others = read_rows(paths.rules, Rule)
    bracketed = first.model_copy(update={"statement": "Gifts [up to 50 euros] are [/fine]."})
    write_rows(paths.rules, [others[1], bracketed, others[0]])
    page = tmp_path / "rules.html"
    done = charter("rules", "udhr", "--html", str(page), folder=paths.root)
    assert done.code == 0, done.err
    assert "Gifts [up to 50 euros] are [/fine]." in done.out
    text = page.read_text(encoding="utf-8")
    places = [text.index(rule.id) for rule in (others[1], bracketed, others[0])]
    assert places == sorted(places)


def test_rules_that_were_not_listed_yet_are_told(charter: Charter, paths: CorpusPaths) -> None:
    paths.rules.unlink()
    done = charter("rules", "udhr", folder=paths.root)
    assert done.code == 1
    assert "no such file" in done.err


def test_a_sheet_that_may_be_filled_in_is_not_written_over(
    charter: Charter, paths: CorpusPaths, tmp_path: Path
) -> None:
    sheet = tmp_path / "rules.csv"
    sheet.write_text("decided", encoding="utf-8")
    done = charter("rules", "udhr", "--csv", str(sheet), folder=paths.root)
    assert done.code == 1
    assert f"{sheet}: exists already, and may have decisions" in done.err
    assert sheet.read_text(encoding="utf-8") == "decided"


def test_rules_of_an_earlier_document_are_named_before_a_sheet_is_taken(
    charter: Charter, paths: CorpusPaths, tmp_path: Path
) -> None:
    sheet = tmp_path / "new/rules.csv"
    assert charter("rules", "udhr", "--csv", str(sheet), folder=paths.root).code == 0
    chunks = read_rows(paths.chunks, Chunk)
    write_rows(paths.chunks, [chunk.model_copy(update={"id": f"new-{chunk.id}"}) for chunk in chunks])
    done = charter("rules", "udhr", "--take", str(sheet), folder=paths.root)
    assert done.code == 1
    assert "has rules of passages that" in done.err
    assert "`dvc repro rules@udhr`" in done.err
    assert not paths.decisions.exists()


def refusals(paths: CorpusPaths, count: int) -> None:
    rows = [
        {
            "id": str(number),
            "chunk_id": "gifts",
            "kind": "instruct",
            "filter": "form",
            "reason": f"has {number} words",
            "raw": f"Question {number}\nAnswer {number}",
        }
        for number in range(count)
    ]
    write_rows(paths.rejected, [Rejected.model_validate(row) for row in rows])


def test_filters_shows_the_way_of_a_row_with_what_each_refused(charter: Charter, paths: CorpusPaths) -> None:
    refusals(paths, 12)
    done = charter("filters", "udhr", folder=paths.root)
    assert (done.code, done.err) == (0, "")
    for kind in ("instruct", "rule", "preference", "rule-pair"):
        assert kind in done.out
    for shown in (
        "grounding",
        "Refuses answers with a number that neither the passage, the question nor the document's title has.",
        "(min share 0.6)",
        "max nearer 2",
        "cosine 0.92, trigrams 0.7",
    ):
        assert shown in done.out
    form = next(line for line in done.out.splitlines() if "QuestionForm" in line or " form " in line)
    assert form.rstrip(" │").endswith("12")
    assert done.out.count("form: has ") == 10, "ten examples"
    assert "form: has 3 words: Question 3 / Answer 3" in done.out
    fewer = charter("filters", "udhr", "--examples", "2", folder=paths.root)
    assert fewer.out.count("form: has ") == 2


def test_filters_goes_by_the_method_and_marks_what_is_off(charter: Charter, paths: CorpusPaths) -> None:
    text = set_value(paths.params.read_text(), ("synthesize", "without"), ["contrast"])
    paths.params.write_text(set_value(text, ("synthesize", "method"), "direct"))
    paths.rejected.unlink()
    done = charter("filters", "udhr", folder=paths.root)
    assert done.code == 0
    assert "contrast (off)" in done.out
    assert "Asks for the reply of an adviser" in done.out
    assert "grounding" not in done.out
    assert "rule-pair" not in done.out


@pytest.mark.models
@pytest.mark.parametrize("method", ["rules", "direct"])
def test_preview_shows_each_rows_way_and_what_the_whole_takes(
    charter: Charter,
    teacher: ScriptedTeacher,
    base_models: ProjectPaths,
    tmp_path: Path,
    empty_store: Path,
    request: pytest.FixtureRequest,
    method: str,
) -> None:
    paths = make_scripted_project(tmp_path / "project", teacher, base_models, method)
    if method == "direct":
        # Before the first run there is no register: preview lists the rules of its passages.
        paths.rules.unlink()
        paths.decisions.unlink(missing_ok=True)
    teacher.asked.clear()
    page = tmp_path / "preview.html"
    done = charter("preview", "udhr", "--chunks", "2", "--html", str(page), folder=paths.root)
    assert done.code == 0, done.err
    about = {subject for body in teacher.asked for subject in subjects(body)}
    assert len(about) == 2
    shown = page.read_text(encoding="utf-8")
    assert Page(shown).loads == []
    for text in (done.out, shown):
        for said in ("question: kept for ", "pair: kept for ", "May I ", "support 0.9", "verification "):
            assert said in text
        for subject in about:
            assert f"Everybody has to know this of {subject}" in text
    assert "as 2 of 6 passages say: some " in done.out
    assert "on 2 of 6 passages" in shown
    assert not paths.rejected.exists(), "a preview writes no data"
    asked = len(teacher.asked)
    shutil.copy(empty_store, paths.root)
    request.getfixturevalue("tracing")
    again = charter("preview", "udhr", "--chunks", "2", folder=paths.root)
    assert len(teacher.asked) == asked
    client = MlflowClient(tracking_uri=f"sqlite:///{paths.root}/mlflow.db")
    mlflow.flush_trace_async_logging()
    [experiment] = client.search_experiments(filter_string="name = 'charter/udhr'")
    traces = client.search_traces(locations=[experiment.experiment_id], max_results=1000)
    assert len(traces) >= asked
    assert len({trace.info.tags["version"] for trace in traces}) == 1
    prompts = [str(trace.data.spans[0].inputs) for trace in traces]
    assert all(any(subject in prompt for prompt in prompts) for subject in about)
    assert "Time: not known, the journal had the answers." in again.out


@pytest.mark.models
def test_preview_says_which_filter_refused_a_row_and_why(
    charter: Charter, teacher: ScriptedTeacher, base_models: ProjectPaths, tmp_path: Path
) -> None:
    paths = make_scripted_project(tmp_path / "project", teacher, base_models)
    text = set_value(paths.params.read_text(), ("synthesize", "min_support"), 0.99)
    paths.params.write_text(text)
    done = charter("preview", "udhr", "--chunks", "1", folder=paths.root)
    assert "instruct: refused by support: support 0.95" in done.out
    assert "then:" in done.out
    text = set_value(text, ("synthesize", "without"), ["suport"])
    paths.params.write_text(text)
    done = charter("preview", "udhr", "--chunks", "1", folder=paths.root)
    assert done.code == 1
    assert "synthesize.without: no filter 'suport' can be switched off; there are " in done.err


@pytest.mark.models
def test_the_stage_rules_writes_the_register_and_counts_it(
    teacher: ScriptedTeacher, base_models: ProjectPaths, tmp_path: Path
) -> None:
    from charter.project.params import load_params

    paths = make_scripted_project(tmp_path, teacher, base_models, "direct")
    metrics = rules_stage.run(load_params(paths.params), paths)
    assert metrics == {
        "rules": 12,
        "modalities": {"duty": 12},
        "grey": 6,
        "chunks_without_rule": 0,
        "rejected": {},
    }
    assert len(read_rows(paths.rules, Rule)) == 12
    assert json.loads(json.dumps(metrics)) == metrics
    assert read_rows(paths.rejected_rules, Rejected) == []
