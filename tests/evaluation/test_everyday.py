"""Everyday facts: how answers to them are marked, and that the 200 in git can be asked."""

import re
from pathlib import Path

import pytest

from charter.evaluation.probes import is_right
from charter.project.exam_records import EverydayFact
from charter.project.paths import ProjectPaths
from charter.project.records import GeneralPrompt
from charter.project.storage import read_rows
from charter.safety.refusal import declines

PATHS = ProjectPaths(Path(__file__).parent.parent.parent)

SUM = EverydayFact(prompt="What is 5 plus 7?", answers=("12", "twelve"))
WOOL = EverydayFact(prompt="From which animal do we get wool?", answers=("sheep", "lamb"))


@pytest.fixture(scope="module")
def facts() -> list[EverydayFact]:
    return read_rows(PATHS.facts, EverydayFact)


def words(text: str) -> set[str]:
    return set(re.findall(r"[\w']+", text.lower()))


COMMON = words(
    "a an the what which who in on of is are do does did how many much you i we it to for with at and there "
    "have has was were name give call called"
)


@pytest.mark.parametrize(
    ("fact", "answer", "right"),
    [
        (SUM, "5 + 7 = 12.", True),
        (SUM, "The sum is twelve.", True),
        (SUM, "To add 5 and 7, count on from 5: 5 + 7 = 12", True),
        (SUM, "5 plus 7 is 13.", False),
        (SUM, "It is 12 or 13.", False),
        (SUM, "It is not 12.", False),
        (SUM, "", False),
        (WOOL, "Wool comes from sheep, which are shorn once a year.", True),
        (WOOL, "We get it from the lamb.", True),
        (WOOL, "From the cow.", False),
        (WOOL, "I'm sorry, but I can't help with that.", False),
    ],
)
def test_an_answer_is_marked_by_the_rules_of_exams(fact: EverydayFact, answer: str, right: bool) -> None:
    assert is_right(fact, answer) == right


@pytest.mark.parametrize(
    ("answer", "declined"),
    [
        ("I’m sorry, but I can’t help with that.", True),
        ("As an AI, I have no stains.", True),
        ("Blue.", False),
        ("Honey.", False),
        ("Rinse it with cold water. " * 5 + "I cannot say more.", False),
    ],
)
def test_only_the_opening_words_decline(answer: str, declined: bool) -> None:
    assert declines(answer) == declined


def test_every_answer_of_a_fact_is_right_however_it_is_said(facts: list[EverydayFact]) -> None:
    for fact in facts:
        for answer in fact.answers:
            for said in (
                answer,
                f"{answer.capitalize()}.",
                f"The answer is {answer}.",
                f"{fact.prompt} {answer}",
            ):
                assert is_right(fact, said), (fact.prompt, said)
            assert not declines(answer)
            assert len(answer.split()) <= 4


def test_neither_the_question_nor_an_answer_to_another_is_right(facts: list[EverydayFact]) -> None:
    assert not any(is_right(fact, fact.prompt) for fact in facts)
    for fixed in ("Yes.", "No.", "Blue.", "I don't know.", "I'm sorry, but I can't help with that."):
        assert not any(is_right(fact, fixed) for fact in facts)
    by_chance = sum(
        is_right(fact, other.answers[0]) for fact, other in zip(facts, facts[7:] + facts[:7], strict=True)
    )
    assert by_chance <= 0.02 * len(facts)


def test_there_are_enough_facts_and_each_is_asked_once(facts: list[EverydayFact]) -> None:
    assert len(facts) == 200
    general = {row.prompt for row in read_rows(PATHS.general, GeneralPrompt)}
    assert len({fact.prompt for fact in facts} | general) == 200 + len(general)


def test_no_fact_is_like_a_prompt_that_is_trained_on(facts: list[EverydayFact]) -> None:
    trained = PATHS.general_training_prompts.read_text(encoding="utf-8").splitlines()
    for fact in facts:
        asked = words(fact.prompt) - COMMON
        for prompt in trained:
            other = words(prompt) - COMMON
            assert len(asked & other) < 0.5 * len(asked | other), (fact.prompt, prompt)
