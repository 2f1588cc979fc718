"""The compare page as a browser meets it, and as those do who mean it harm."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charter import pages
from charter.comparing import app as app_module
from charter.comparing import comparisons
from charter.comparing.systems import Systems
from charter.comparing.tally import preferred_pairs
from charter.comparing.votes import read_votes
from charter.evaluation.evaluation_data import answer_greedily
from charter.evaluation.local_system import local_system
from charter.pages.guard import BODY_LIMIT
from charter.project.errors import CharterError
from charter.project.paths import ProjectPaths
from charter.project.records import PreferencePair
from charter.project.storage import directory_sha256, read_rows, write_rows
from charter.training.chat import answer_messages
from compared_systems import RULE, URL, Compared, OpenPage
from small_models import GIFTS, SAFETY

pytest_plugins = ["compared_systems"]
pytestmark = pytest.mark.models

QUESTION = "May I take gifts?"
NAMES = {"seed": "seed", "sft": "SFT", "dpo": "SFT+DPO", "dpo+rag": "SFT+DPO+RAG", "teacher": "teacher"}
FILES = Path(app_module.__file__).parent / "page"
SHARED = Path(pages.__file__).parent / "shared"


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("votes") / "bcg.jsonl"


@pytest.fixture(scope="module")
def client(open_page: OpenPage, votes: Path) -> Iterator[TestClient]:
    with open_page(votes) as client:
        yield client


def ask(
    client: TestClient, *labels: str, blind: bool = False, question: str = QUESTION
) -> list[dict[str, Any]]:
    body = {"question": question, "systems": labels, "blind": blind}
    answer = client.post("/api/ask", json=body)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def texts(news: list[dict[str, Any]]) -> list[str]:
    """The answers, put together from their pieces."""
    told = [""] * news[0]["answers"]
    for item in news:
        if "answer" in item:
            told[item["answer"]] += item["text"]
    return told


def cast(client: TestClient, news: list[dict[str, Any]], best: int | None, voter: str = "Ada") -> Any:
    return client.post("/api/vote", json={"comparison": news[0]["comparison"], "voter": voter, "best": best})


def test_systems_are_those_that_are_there(client: TestClient) -> None:
    listed = client.get("/api/systems").json()
    assert listed["title"] == "Rules of <conduct>"
    labels = [item["label"] for item in listed["systems"]]
    assert labels == [f"{name}{rag}" for name in ("seed", "sft", "dpo", "teacher") for rag in ("", "+rag")]
    assert [item["label"] for item in listed["systems"] if item["ticked"]] == ["seed+rag", "sft", "dpo"]
    assert {item["label"]: item["name"] for item in listed["systems"]}["dpo+rag"] == "SFT+DPO+RAG"


def test_answers_stream_side_by_side_with_what_is_at_stake(
    client: TestClient, compared: Compared, tmp_path: Path
) -> None:
    begin, *news, last = told = ask(client, "sft", "dpo+rag")
    assert begin["names"] == ["SFT", "SFT+DPO+RAG"]
    place = {"document": "rules.pdf", "section": ["Rules", "Gifts"], "pages": [3, 4], "text": GIFTS}
    assert begin["stake"] == {"rule": RULE, **place}
    count = compared.params.retrieval.passages
    assert (
        begin["passages"]
        == [place, {**place, "section": ["Rules", "Safety"], "pages": [], "text": SAFETY}][:count]
    )
    places = [item["answer"] for item in news if item["text"]]
    assert places != sorted(places), "the answers come at once, not one after the other"
    assert [item["answer"] for item in news if item["ended"]] == [0, 1]
    assert last == {"written": True}
    shown = [passage["text"] for passage in begin["passages"]]
    for text, name, passages in zip(texts(told), ("sft", "dpo"), ([], shown), strict=True):
        with local_system(name, compared.params, compared.paths).open(tmp_path / "journal.sqlite") as engine:
            assert [text] == answer_greedily(engine, [answer_messages(QUESTION, passages)], 10, name)


def test_without_retrieval_no_passages_are_told(client: TestClient) -> None:
    assert ask(client, "sft", "dpo")[0]["passages"] == []


def test_a_blind_comparison_says_nothing_of_who_is_who_until_the_vote(
    client: TestClient, votes: Path, compared: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reversing:
        def shuffle(self, items: list[Any]) -> None:
            items.reverse()

    labels = ("seed", "sft", "dpo+rag", "teacher")
    named = dict(zip(labels, texts(ask(client, *labels)), strict=True))
    monkeypatch.setattr(comparisons, "SystemRandom", Reversing)
    news = ask(client, *labels, blind=True)
    assert news[0]["names"] is None
    first = next(place for place, item in enumerate(news) if "answer" in item)
    assert [item["ended"] for item in news[1:first]] == [1, 2, 3, 4], "texts come when all are written"
    assert [item["answer"] for item in news[first:-1]] == [0, 1, 2, 3]
    assert not {key for item in news for key in item} - {
        *("comparison", "answers", "names", "stake", "passages", "answer", "text", "ended", "written")
    }
    assert texts(news) == [named[label] for label in reversed(labels)]
    answer = cast(client, news, best=1)
    assert answer.json() == {"names": [NAMES[label] for label in reversed(labels)]}
    vote = read_votes(votes)[0][-1]
    assert (vote.voter, vote.question, vote.blind, vote.best) == ("Ada", QUESTION, True, 1)
    assert (vote.rule, vote.chunk_id) == (RULE, "gifts")
    assert vote.retrieved[0] == "gifts"
    assert [(item.system, item.rag) for item in vote.answers] == [
        ("teacher", False),
        ("dpo", True),
        ("sft", False),
        ("seed", False),
    ]
    assert [item.text for item in vote.answers] == texts(news)
    paths = compared.paths
    seed, dpo, teacher = map(directory_sha256, (paths.seed, paths.adapter("dpo"), paths.teacher))
    assert [item.models for item in vote.answers][:2] == [(teacher,), (seed, dpo)]
    assert vote.answers[3].models == (seed,)


def test_the_order_of_a_blind_comparison_is_drawn_anew(client: TestClient) -> None:
    plain = texts(ask(client, "seed", "sft", "dpo"))
    orders = {
        tuple(plain.index(text) for text in texts(ask(client, "seed", "sft", "dpo", blind=True)))
        for _ in range(12)
    }
    assert len(orders) > 1
    assert {tuple(sorted(order)) for order in orders} == {(0, 1, 2)}


def test_one_vote_a_comparison(client: TestClient, votes: Path) -> None:
    news = ask(client, "sft", "dpo")
    before = len(read_votes(votes)[0])
    assert cast(client, news, best=2).status_code == 404
    assert cast(client, news, best=None).json() == {"names": ["SFT", "SFT+DPO"]}
    again = cast(client, news, best=0)
    assert (again.status_code, "ask again" in again.json()["detail"]) == (404, True)
    [*_, vote] = read_votes(votes)[0]
    assert (len(read_votes(votes)[0]), vote.best, vote.blind) == (before + 1, None, False)


def test_two_at_once_get_their_own_answers_and_both_votes_count(client: TestClient, votes: Path) -> None:
    questions = [QUESTION, "Who may stop unsafe work?"]
    alone = [texts(ask(client, "seed", "sft+rag", question=question)) for question in questions]
    before = len(read_votes(votes)[0])

    def run(number: int) -> list[str]:
        news = ask(client, "seed", "sft+rag", question=questions[number % 2])
        assert cast(client, news, best=1, voter=f"voter {number}").status_code == 200
        return texts(news)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(4))) == alone * 2
    cast_now = read_votes(votes)[0][before:]
    assert sorted(vote.voter for vote in cast_now) == [f"voter {number}" for number in range(4)]
    assert all([item.text for item in vote.answers] in alone for vote in cast_now)


def test_what_is_exported_can_be_read_as_preference_data(
    client: TestClient, votes: Path, tmp_path: Path
) -> None:
    assert cast(client, ask(client, "sft", "dpo", blind=True), best=0).status_code == 200
    # The tiny model never ends, and what is cut off is never chosen.
    cast_now = [
        vote.model_copy(
            update={"answers": tuple(item.model_copy(update={"whole": True}) for item in vote.answers)}
        )
        for vote in read_votes(votes)[0]
    ]
    write_rows(tmp_path / "pairs.jsonl", preferred_pairs(cast_now))
    rows = read_rows(tmp_path / "pairs.jsonl", PreferencePair)
    assert rows
    assert {row.chunk_id for row in rows} <= {"gifts", "safety"}
    assert preferred_pairs(read_votes(votes)[0]) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"question": "  "}, "at least 1 character"),
        ({"question": "x" * 4001}, "at most 4000"),
        ({"question": None}, "string"),
        ({"systems": ["sft"]}, "at least 2"),
        ({"systems": ["sft"] * 10}, "at most 9"),
        ({"systems": ["sft", "sft"]}, "twice"),
        ({"systems": ["sft", "nobody"]}, "no system 'nobody'; there are seed, seed+rag"),
        ({"blind": "perhaps"}, "boolean"),
    ],
)
def test_what_is_wrong_with_a_question_is_said(
    client: TestClient, changed: dict[str, Any], says: str
) -> None:
    body = {"question": QUESTION, "systems": ["sft", "dpo"], "blind": True} | changed
    answer = client.post("/api/ask", json=body)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_a_question_that_is_too_long_for_the_model_is_told_in_the_stream(client: TestClient) -> None:
    *_, last = ask(client, "sft", "dpo", question="é" * 4000)
    assert "together they may have" in last["error"]


@pytest.mark.parametrize(
    "changed", [{"voter": " "}, {"voter": "x" * 81}, {"best": -1}, {"best": "0"}, {"comparison": 1}]
)
def test_a_malformed_vote_is_refused(client: TestClient, votes: Path, changed: dict[str, Any]) -> None:
    before = read_votes(votes)
    body = {"comparison": "none", "voter": "Ada", "best": 0} | changed
    assert client.post("/api/vote", json=body).status_code in (404, 422)
    assert read_votes(votes) == before


def test_half_a_letter_is_refused(client: TestClient) -> None:
    body = b'{"question": "\\ud800", "systems": ["sft", "dpo"], "blind": true}'
    answer = client.post("/api/ask", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, "unicode" in answer.json()["detail"]) == (422, True)


def test_more_questions_than_may_wait_are_turned_away(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparisons, "WAITING", 0)
    assert "too many questions wait" in ask(client, "sft", "dpo")[0]["error"]


def test_a_vote_that_cant_be_written_may_be_cast_again(open_page: OpenPage, tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    path.mkdir()
    with open_page(path) as client:
        news = ask(client, "sft", "dpo", blind=True)
        failed = cast(client, news, best=0)
        assert failed.status_code == 507
        assert "could not be written" in failed.json()["detail"]
        path.rmdir()
        assert cast(client, news, best=0).status_code == 200
    assert len(read_votes(path)[0]) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": URL}, 404),
        ({}, 404),
        ({"host": "evil.example"}, 400),
        ({"host": "localhost:8001"}, 404),
        ({"content-type": "text/plain"}, 422),
    ],
)
def test_only_this_page_may_post(client: TestClient, headers: dict[str, str], status: int) -> None:
    body = json.dumps({"comparison": "none", "voter": "Ada", "best": 0})
    given = {"content-type": "application/json"} | headers
    assert client.post("/api/vote", content=body, headers=given).status_code == status


def test_a_large_body_isnt_read(client: TestClient) -> None:
    assert client.post("/api/vote", content=b" " * (BODY_LIMIT + 1)).status_code == 413
    assert client.post("/api/vote", content=iter([b"{}"])).status_code == 411


def test_with_keys_only_the_empty_page_is_open(open_page: OpenPage, tmp_path: Path) -> None:
    with open_page(tmp_path / "votes.jsonl", keys=("right", "other"), host="0.0.0.0") as client:
        assert client.get("/", headers={"host": "charter.example"}).status_code == 200
        for headers in ({}, {"authorization": "Bearer wrong"}):
            assert client.get("/api/systems", headers=headers).status_code == 401
            assert client.post("/api/ask", json={}, headers=headers).status_code == 401
        assert client.get("/api/systems", headers={"authorization": "Bearer other"}).status_code == 200


def test_the_page_runs_and_fetches_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for path in ("/", "/page.js", "/page.css", "/shared/icon.svg", "/api/systems", "/none"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    for file in (*FILES.iterdir(), *SHARED.iterdir()):
        text = file.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?:|\burl\(|@import", text), file.name
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    shared = [f"shared/{name}" for name in ("icon.svg", "shared.css", "shared.js")]
    assert sorted(linked) == ["page.css", "page.js", *shared]
    assert all(client.get(f"/{name}").is_success for name in linked)
    assert not re.search(r"<style|<script>|\son\w+=|\sstyle=", page.text), "the policy forbids what is inline"


def test_what_models_say_is_never_taken_for_html() -> None:
    for script in (FILES / "page.js", SHARED / "shared.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function",
            script.read_text(encoding="utf-8"),
        )


def test_without_adapters_there_is_nothing_to_compare(compared: Compared, tmp_path: Path) -> None:
    paths = ProjectPaths(tmp_path).corpus("bcg")
    with pytest.raises(CharterError, match="nothing to compare with the seed; run `dvc repro dpo@bcg`"):
        Systems(compared.params, paths)
