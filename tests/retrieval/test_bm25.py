"""Search by words, in several scripts."""

import math
from pathlib import Path

import pytest

from charter.project.errors import CharterError
from charter.retrieval.bm25 import Bm25Ranker, search_words

ENGLISH = ["Gifts are declared.", "The ombudsman hears complaints on gifts.", "Gifts of food are shared."]
GERMAN = [
    "Geschenke werden gemeldet.",
    "Die Übergabe von Geschenken ist öffentlich.",
    "Wer klagt, wird gehört.",
]
CHINESE = ["员工应当申报礼品。", "监察员听取员工的投诉。", "食品类礼品应当分享给员工。"]
THAI = ["พนักงานต้องรายงานของขวัญ", "ผู้ตรวจการรับฟังพนักงาน", "พนักงานแบ่งปันอาหาร"]


@pytest.mark.parametrize(
    ("texts", "question", "place"),
    [
        (ENGLISH, "Who is the OMBUDSMAN?", 1),
        (GERMAN, "Was ist mit der ÜBERGABE?", 1),
        (CHINESE, "谁处理投诉？", 1),
        (THAI, "อาหาร", 2),
    ],
    ids=["English", "German", "Chinese", "Thai"],
)
def test_a_rare_word_finds_its_chunk(texts: list[str], question: str, place: int) -> None:
    assert Bm25Ranker.build(texts).rank([question], 3)[0][0][0] == place


def test_two_characters_that_adjoin_are_a_word_where_there_are_no_blanks() -> None:
    """法人 (a legal person) isn't 人法: one character each says nothing of their order."""
    assert search_words("法人 und so") == ["法", "人", "und", "so", "法人"]
    ranked = Bm25Ranker.build(["人法", "法人", "无关"]).rank(["法人"], 3)[0]
    assert [place for place, _ in ranked] == [1, 0]


def test_scores_are_those_of_the_formula() -> None:
    """One word, in two of three chunks: Lucene's weight times the saturated count."""
    ranked = dict(Bm25Ranker.build(["a a b", "a c", "d"]).rank(["a"], 3)[0])
    weight = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    assert ranked == {
        0: pytest.approx(weight * 2 / (2 + 1.5 * (0.25 + 0.75 * 3 / 2)), rel=1e-5),
        1: pytest.approx(weight * 1 / (1 + 1.5 * (0.25 + 0.75 * 2 / 2)), rel=1e-5),
    }


def test_what_shares_no_word_is_not_found() -> None:
    ranker = Bm25Ranker.build(ENGLISH)
    assert ranker.rank(["weather", "", "?!"], 3) == [[], [], []]
    assert [place for place, _ in ranker.rank(["complaints"], 3)[0]] == [1]
    assert ranker.rank([], 3) == []


# bm25s divides by the mean length, which is 0 here.
@pytest.mark.filterwarnings("ignore:invalid value encountered in scalar divide")
def test_chunks_without_any_word_are_searched_in_vain() -> None:
    assert Bm25Ranker.build(["***", "—"]).rank(["gifts", "—"], 2) == [[], []]


def test_no_more_than_asked_for_and_equals_in_the_order_of_the_document() -> None:
    ranker = Bm25Ranker.build(["x y"] * 5)
    assert [place for place, _ in ranker.rank(["x"], 3)[0]] == [0, 1, 2]


def test_saved_and_loaded_it_finds_the_same(tmp_path: Path) -> None:
    ranker = Bm25Ranker.build([*ENGLISH, *GERMAN, *CHINESE, *THAI])
    ranker.save(tmp_path)
    questions = ["gifts of food", "Geschenke", "礼品", "พนักงาน", "weather"]
    assert Bm25Ranker.load(tmp_path).rank(questions, 12) == ranker.rank(questions, 12)


def test_a_missing_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(CharterError, match="bm25: no such folder; run `dvc repro rag-index`"):
        Bm25Ranker.load(tmp_path)
