"""The review page as a browser meets it, and what it writes down."""

import json
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from charter import pages
from charter.cli.reviewing import review
from charter.evaluation.statistics import Resampling
from charter.pages import app as pages_app
from charter.project.appended import append_row
from charter.project.errors import CharterError
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import SPLITS
from charter.project.review_records import DataRow, RowDecision, RowMark
from charter.project.storage import write_rows
from charter.reviewing import app as app_module
from charter.reviewing.app import ReviewPage
from charter.reviewing.rows import RowQueue
from charter.serving import running
from charter.serving.running import Address
from charter.synthesis.row_decisions import read_decisions
from review_rows import decided, example_of, listed, pair_of, show
from rows import chunk_of

ROOT = Path(__file__).parent.parent.parent
URL = "http://127.0.0.1:8002"
FILES = Path(app_module.__file__).parent / "page"
SHARED = Path(pages.__file__).parent / "shared"

GIFTS = chunk_of("Gifts above 50 euros need consent.", chunk_id="gifts", headings=("Rules", "Gifts"))
TRAIN = [example_of(f"Question <b>{number}</b>?", "Yes.") for number in range(3)]
PAIR = pair_of("A watch?", "Send it back.", "Keep it.", rule="Gifts above 50 euros need consent.")
TUNED = example_of("Is a pen a gift?", "Yes.")
TESTED = example_of("Who consents?", "Nobody.")


@pytest.fixture
def paths(tmp_path: Path) -> CorpusPaths:
    paths = ProjectPaths(tmp_path).corpus("bcg")
    instruct = {"train": TRAIN, "validation": [TUNED], "test": [TESTED]}
    for split in SPLITS:
        write_rows(paths.instruct(split), instruct[split])
        write_rows(paths.preference(split), [PAIR] if split == "train" else [])
    for path, rows in ((paths.chunks, [GIFTS]), (paths.rules, []), (paths.rejected, [])):
        write_rows(path, rows)
    return paths


OpenPage = Callable[..., TestClient]


@pytest.fixture
def open_page(paths: CorpusPaths) -> OpenPage:
    def page(keys: tuple[str, ...] = (), host: str = "127.0.0.1") -> TestClient:
        queue = RowQueue(paths, Resampling(100, 1))
        app = ReviewPage(queue, "Rules of <conduct>", "Ada", keys, Address(host, 8002)).app()
        return TestClient(app, base_url=URL)

    return page


@pytest.fixture
def client(open_page: OpenPage) -> Iterator[TestClient]:
    with open_page() as client:
        yield client


def decide(client: TestClient, row: DataRow, decision: str, reviewer: str = "Ada", **more: Any) -> Any:
    body = {"item": row.id, "reviewer": reviewer, "decision": decision, **more}
    return client.post("/api/decisions", json=body)


def test_rows_come_in_an_order_by_chance_that_is_the_same_for_all_and_test_rows_last(
    client: TestClient,
) -> None:
    items = listed(client)
    ids = [item["id"] for item in items]
    assert ids[:-1] == sorted(row.id for row in (*TRAIN, TUNED, PAIR))
    assert items[-1] == {"id": TESTED.id, "part": "test", "decided": None, "disputed": False}
    assert listed(client, "Bob") == items
    assert client.get("/api/about").json() == {"what": "rows", "title": "Rules of <conduct>", "named": "Ada"}


def test_a_row_is_shown_with_its_passage(client: TestClient) -> None:
    assert show(client, PAIR.id) == {
        "id": PAIR.id,
        "kind": "preference",
        "part": "train",
        "rule": PAIR.rule,
        "texts": {"prompt": "A watch?", "chosen": "Send it back.", "rejected": "Keep it."},
        "passage": {"document": "d", "section": ["Rules", "Gifts"], "pages": [], "text": GIFTS.text},
        "decisions": [],
        "decided": None,
        "disputed": False,
    }
    assert client.get("/api/items/none", params={"reviewer": "Ada"}).status_code == 404
    assert client.get("/api/items", params={"reviewer": " "}).status_code == 422


def test_decisions_are_written_down_with_who_and_when(client: TestClient, paths: CorpusPaths) -> None:
    first, second, third = TRAIN
    words = {"question": "May I keep it?", "answer": " No. "}
    assert decide(client, first, "accept", reviewer=" Ada ").status_code == 200
    assert decide(client, second, "edit", texts=words).status_code == 200
    assert decide(client, third, "reject", reason=" wrong ").status_code == 200
    decisions, torn = read_decisions(paths.row_decisions, RowDecision)
    assert torn == 0
    assert [(each.row, each.reviewer, each.decision, each.reason) for each in decisions] == [
        (first, "Ada", "accept", ""),
        (second, "Ada", "edit", ""),
        (third, "Ada", "reject", "wrong"),
    ]
    assert decisions[1].edited == second.model_copy(update={"question": "May I keep it?", "answer": "No."})
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", each.time) for each in decisions)
    assert {item["id"]: item["decided"] for item in listed(client) if item["decided"]} == {
        first.id: "accept",
        second.id: "edit",
        third.id: "reject",
    }


def test_nobody_sees_what_others_decided_before_deciding(client: TestClient, paths: CorpusPaths) -> None:
    row = TRAIN[0]
    decide(client, row, "reject", "Bob", reason="wrong")
    assert show(client, row.id)["decisions"] == []
    assert not any(item["decided"] or item["disputed"] for item in listed(client))
    told = decide(client, row, "accept").json()
    assert told["disputed"]
    assert [(each["reviewer"], each["mine"], each["reason"]) for each in told["decisions"]] == [
        ("Bob", False, "wrong"),
        ("Ada", True, ""),
    ]
    assert [item["id"] for item in listed(client) if item["disputed"]] == [row.id]
    assert not decide(client, row, "accept", "Bob").json()["disputed"]
    assert [each.informed for each in read_decisions(paths.row_decisions, RowDecision)[0]] == [
        False,
        False,
        True,
    ]
    assert client.get("/api/agreement").json()["sentence"].startswith("People read 1 of 6 rows")


@pytest.mark.parametrize(
    ("row", "decision", "more", "says"),
    [
        (TRAIN[0], "reject", {"reason": " "}, "say why"),
        (TRAIN[0], "edit", {}, "give question, answer, each with words"),
        (TRAIN[0], "edit", {"texts": {"question": "May I?"}}, "give question, answer"),
        (TRAIN[0], "edit", {"texts": {"question": "May I?", "answer": " "}}, "at least 1 character"),
        (
            TRAIN[0],
            "edit",
            {"texts": {"question": TRAIN[0].question, "answer": "Yes."}},
            "nothing is changed",
        ),
        (PAIR, "edit", {"texts": {"question": "May I?", "answer": "No."}}, "give prompt, chosen, rejected"),
        (
            TESTED,
            "edit",
            {"texts": {"question": "Who?", "answer": "You."}},
            "are tested with this row",
        ),
        (TRAIN[0], "perhaps", {}, "decide accept or edit or reject"),
        (TRAIN[0], "accept", {"reviewer": " "}, "at least 1 character"),
        (TRAIN[0], "accept", {"reviewer": "x" * 81}, "at most 80"),
    ],
)
def test_what_says_too_little_is_refused(
    client: TestClient, paths: CorpusPaths, row: DataRow, decision: str, more: dict[str, Any], says: str
) -> None:
    answer = client.post(
        "/api/decisions", json={"item": row.id, "reviewer": "Ada", "decision": decision} | more
    )
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert not paths.row_decisions.exists()


def test_a_broken_test_row_may_be_rejected(client: TestClient) -> None:
    assert decide(client, TESTED, "reject", reason="wrong").status_code == 200


def test_a_decision_that_cant_be_written_is_told(client: TestClient, paths: CorpusPaths) -> None:
    paths.row_decisions.parent.parent.mkdir(parents=True)
    paths.row_decisions.parent.write_text("a file where a folder must be")
    with pytest.raises(NotADirectoryError):
        paths.row_decisions.read_bytes()
    answer = decide(client, TRAIN[0], "accept")
    assert (answer.status_code, "could not be written" in answer.json()["detail"]) == (507, True)


def test_a_file_that_was_broken_meanwhile_is_named(client: TestClient, paths: CorpusPaths) -> None:
    paths.row_decisions.parent.mkdir(parents=True, exist_ok=True)
    paths.row_decisions.write_text('{"reviewer": "Ada"}\n')
    told = client.get("/api/agreement")
    assert (told.status_code, told.json()["detail"].partition(":")[0]) == (500, str(paths.row_decisions))


def test_rows_that_decisions_took_out_are_still_there_to_be_decided_on(
    open_page: OpenPage, paths: CorpusPaths
) -> None:
    gone, disputed = example_of("Not written any more?", "Yes."), example_of("Disputed?", "Yes.")
    edited = disputed.model_copy(update={"answer": "No."})
    for decision in (
        decided(gone, "accept"),
        decided(disputed, "accept"),
        decided(edited, "reject", "Bob", reason="wrong"),
    ):
        append_row(paths.row_decisions, decision)
    write_rows(
        paths.row_marks,
        [RowMark(row_id=disputed.id, split="train", mark="disputed", people=("Ada", "Bob"))],
    )
    with open_page() as client:
        assert show(client, disputed.id)["texts"] == {"question": "Disputed?", "answer": "Yes."}
        assert gone.id not in {item["id"] for item in listed(client)}
        told = client.get("/api/agreement").json()
    assert told["gone"] == [f"{gone.id}: Not written any more? (accepted: Ada: accept)"]


def test_only_this_page_and_those_with_a_key_may_decide(open_page: OpenPage) -> None:
    body = json.dumps({"item": TRAIN[0].id, "reviewer": "Ada", "decision": "accept"})
    kind = {"content-type": "application/json"}
    with open_page() as client:
        for headers, status in (({"origin": "http://evil.example"}, 403), ({"host": "evil.example"}, 400)):
            answer = client.post("/api/decisions", content=body, headers=kind | headers)
            assert answer.status_code == status
    with open_page(keys=("right",), host="0.0.0.0") as client:
        assert client.get("/").status_code == 200
        assert client.post("/api/decisions", content=body, headers=kind).status_code == 401
        right = kind | {"authorization": "Bearer right"}
        assert client.post("/api/decisions", content=body, headers=right).status_code == 200


def test_the_page_fetches_nothing_from_elsewhere_and_takes_no_text_for_html(client: TestClient) -> None:
    page = client.get("/")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for file in (*FILES.iterdir(), *SHARED.iterdir()):
        text = file.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?:|\burl\(|@import|innerHTML|outerHTML|insertAdjacentHTML|\beval\b", text)
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    shared = [f"shared/{name}" for name in ("icon.svg", "shared.css", "shared.js")]
    assert sorted(linked) == ["review.css", "review.js", *shared]
    assert all(client.get(f"/{name}").is_success for name in linked)
    assert not re.search(r"<style|<script>|\son\w+=|\sstyle=", page.text), "the policy forbids what is inline"


class PlayedServer:
    """Takes the place of uvicorn's: asks the page what it is about, and ends."""

    told: list[Any]

    def __init__(self, app: FastAPI, address: Address, timeout: float):
        self._app = app
        PlayedServer.told = []

    def run(self, places: list[socket.socket]) -> None:
        assert [place.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for place in places] == [1]
        with TestClient(self._app, base_url=URL) as client:
            PlayedServer.told.append(client.get("/api/about").json())


def test_the_command_opens_the_page_and_prints_the_agreement(
    paths: CorpusPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(ROOT / "params.yaml", paths.root)
    monkeypatch.chdir(paths.root)
    monkeypatch.setattr(pages_app, "http_server", PlayedServer)
    monkeypatch.setattr(pages_app.webbrowser, "open", lambda url: PlayedServer.told.append(url))
    monkeypatch.setenv("DISPLAY", ":0")
    about = {"what": "rows", "title": "Business Conduct Guidelines", "named": "Bob"}
    review("bcg", named="Bob", browser=True)
    assert PlayedServer.told == [URL, about]
    review("bcg", named="Bob", browser=False)
    assert PlayedServer.told == [about]
    assert f"Review of bcg, rows: {URL}" in capsys.readouterr().out
    monkeypatch.delenv(running.KEYS, raising=False)
    with pytest.raises(CharterError, match="lets other machines in"):
        review("bcg", host="0.0.0.0")
    append_row(paths.row_decisions, decided(TRAIN[0], "accept"))
    append_row(paths.row_decisions, decided(example_of("Gone?", "Yes."), "accept"))
    with paths.row_decisions.open("ab") as file:
        file.write(b'{"row":')
    review("bcg", agreement=True)
    printed = capsys.readouterr().out
    assert "People read 1 of 6 rows" in printed
    assert "Gone? (accepted: Ada: accept)" in printed
    assert "1 lines of" in printed
