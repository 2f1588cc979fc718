"""Several adapters in one batch: each row is what evaluation would get of that system alone."""

from pathlib import Path
from threading import Event

import pytest

from charter.comparing.decoding import AdaptedSeed
from charter.evaluation.evaluation_data import answer_greedily
from charter.evaluation.local_system import local_system
from charter.serving.answering import TooLongError
from charter.training.chat import answer_messages
from compared_systems import Compared

pytest_plugins = ["compared_systems"]
pytestmark = pytest.mark.models

QUESTIONS = ("May I take gifts?", "Who may stop work that is unsafe, and how? " * 3)


@pytest.fixture(scope="module")
def seed(compared: Compared) -> AdaptedSeed:
    adapters = {name: compared.paths.adapter(name) for name in ("sft", "dpo")}
    return AdaptedSeed(compared.paths.seed, adapters, compared.params.compute)


def test_answers_of_a_mixed_batch_are_those_of_evaluation(
    seed: AdaptedSeed, compared: Compared, tmp_path: Path
) -> None:
    rows = [(name, question) for name in ("seed", "sft", "dpo") for question in QUESTIONS]
    texts = [""] * len(rows)
    ended: dict[int, bool | None] = {}

    def told(place: int, text: str, whole: bool | None) -> None:
        assert ended.get(place) is None, "nothing is told of an answer that has ended"
        texts[place] += text
        ended[place] = whole

    asked = [(None if name == "seed" else name, answer_messages(question)) for name, question in rows]
    seed.write(asked, 10, told, Event())
    expected = []
    for name in ("seed", "sft", "dpo"):
        with local_system(name, compared.params, compared.paths).open(tmp_path / "journal.sqlite") as engine:
            chats = [answer_messages(question) for question in QUESTIONS]
            expected += answer_greedily(engine, chats, 10, name)
    assert texts == expected
    assert len(set(texts)) > 4, "the systems must differ, or nothing is tested"
    assert ended == dict.fromkeys(range(len(rows)), False)


def test_nothing_is_written_on_for_who_has_left(seed: AdaptedSeed) -> None:
    left, heard = Event(), []

    def told(*news: object) -> None:
        heard.append(news)
        left.set()

    seed.write([("sft", answer_messages("Why?"))], 500, told, left)
    assert len(heard) <= 2


def test_a_question_without_room_for_its_answer_is_refused(seed: AdaptedSeed) -> None:
    with pytest.raises(TooLongError, match="together they may have 2048"):
        seed.write([(None, answer_messages("why " * 2040))], 10, lambda *_: None, Event())
