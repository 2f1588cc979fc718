"""Filters: what they refuse, and that they let good text pass."""

import pytest

from charter.synthesis.filters import (
    answer_word,
    check_answer,
    check_contrast,
    check_numbers,
    check_question,
    check_scenario,
    check_time,
    extract_question,
    without_citation,
)


@pytest.mark.parametrize(
    "line",
    [
        "1. May I?",
        "2) May I?",
        "- May I?",
        '"May I?"',
        "**May I?**",
        "Q1: May I?",
        "(3) May I?",
        "* May I?",
        "Question 1:** May I?",
        "**Question 2:** May I?",
    ],
)
def test_list_markers_are_stripped(line: str) -> None:
    assert extract_question(line) == "May I?"


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("Everyone has rights.", "question mark"),
        ("Why so?", "2 words"),
        ("What does the passage say about rights?", "'the passage'"),
        ("What is forbidden by Article 12 in general?", "'Article 12'"),
        ("What does this section demand of managers?", "'this section'"),
        ("In which contexts is slavery prohibited? When? Where?", "more than one question"),
    ],
)
def test_bad_questions_are_refused(question: str, reason: str) -> None:
    assert reason in (check_question(question) or "")


def test_good_text_passes() -> None:
    assert check_question("May an employee accept a gift worth 80 euros?") is None
    assert check_answer("No, gifts above 50 euros must be refused.") is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        ("The passage does not say who decides.", "doesn't answer"),
        ("Gifts above 50 euros must be", "doesn't end"),
        ("The text forbids it.", "'The text'"),
        ("No. " * 80, "80 words"),
    ],
)
def test_bad_answers_are_refused(answer: str, reason: str) -> None:
    assert reason in (check_answer(answer.strip()) or "")


def test_contrast_wants_another_text_of_like_length() -> None:
    rule, opposite = "Visitors must not feed the animals.", "Visitors are free to feed the animals."
    assert check_contrast(rule, opposite, max_length_ratio=2) is None
    assert "is the rule" in (check_contrast(rule, "Visitors must NOT feed the animals!", 2) or "")
    assert "2.1 times as long" in (check_contrast(opposite, "Visitors may feed.", 2) or "")


@pytest.mark.parametrize(
    ("question", "answer", "refused"),
    [
        ("When does the Declaration apply?", "The Declaration applies to all.", True),
        ("How long may records be kept?", "Records may be kept by the Legal Department.", True),
        ("By when is a gift entered?", "It is entered within 5 working days.", False),
        ("When may they be deleted?", "They may be deleted once the purpose ends.", False),
        ("Who decides?", "The manager decides.", False),
    ],
)
def test_an_answer_names_a_time_where_one_is_asked_for(question: str, answer: str, refused: bool) -> None:
    assert (check_time(question, answer) is not None) == refused


@pytest.mark.parametrize(
    ("response", "word"),
    [("Yes, you may.", "Yes"), ("No. It is forbidden.", "No"), ("Nothing forbids it.", None), ("", None)],
)
def test_answer_word_is_a_whole_word(response: str, word: str | None) -> None:
    assert answer_word(response) == word


@pytest.mark.parametrize(
    "cited",
    [
        "No, a child can't work here. The passage explicitly states that nobody under 16 may.",
        "No, a child can't work here because the passage says that nobody under 16 may.",
        "No, a child can't work here, because the passage requires that nobody under 16 may.",
    ],
)
def test_cited_reason_becomes_a_reason(cited: str) -> None:
    assert without_citation(cited) == "No, a child can't work here, because nobody under 16 may."


@pytest.mark.parametrize(
    ("answer", "stated"),
    [
        ("Yes, you may, as stated in Article 13 of the Declaration.", "Yes, you may."),
        ("According to the passage, nobody may be held.", "Nobody may be held."),
        ("The guidelines say that gifts are recorded.", "The guidelines say that gifts are recorded."),
        ("The rule states that gifts are recorded.", "Gifts are recorded."),
        (
            "Agents work under the rule if they agree.",
            "Agents work under the rule if they agree.",
        ),
    ],
)
def test_an_answer_states_its_rule_and_not_where_it_stands(answer: str, stated: str) -> None:
    assert without_citation(answer) == stated


@pytest.mark.parametrize(
    "question",
    [
        "What is the purpose of this right?",
        "What does it protect?",
        "What is it for at all?",
        "For what purposes is it collecting data?",
        "Who is this guideline intended for?",
        "What is the right to?",
        "Where is this protection provided?",
        "Must an employee who receives such a request forward it?",
    ],
)
def test_a_question_that_points_at_what_its_reader_does_not_see_is_refused(question: str) -> None:
    assert "nothing to refer to" in (check_question(question) or "")
    assert check_question("Why is it wrong to accept this watch, worth 80 euros?") is None


def test_a_scenario_asks_for_what_is_done_and_not_for_its_denial() -> None:
    assert check_scenario("May a person be denied a remedy?") == "'denied' turns its answer round"
    assert check_scenario("May a person have a remedy?") is None


def test_a_number_of_an_answer_is_in_its_passage_or_question() -> None:
    passage = "Gifts up to EUR 1,500 are recorded within five days; one is enough."
    assert check_numbers("Within 5 days, up to EUR 1500.", passage) is None
    assert check_numbers("No, two watches of EUR 90 are refused.", passage, "May I keep 2 at EUR 90?") is None
    assert check_numbers("Those above EUR 150, within 5 days.", passage).startswith("has 150,")
    assert check_numbers("Within three days.", passage) == "has 3, which the passage hasn't"


@pytest.mark.parametrize(
    "text",
    [
        "I got a watch. May I keep it?",
        'A young person asks: "I got a watch. May I keep it?',
        "**Question:** I got a watch. May I keep it? **Answer:** No.",
        "I got a watch.\nMay I keep it? No, it is too dear.",
    ],
)
def test_question_is_taken_out_of_what_surrounds_it(text: str) -> None:
    assert extract_question(text) == "I got a watch. May I keep it?"


def test_text_without_a_question_stays() -> None:
    assert extract_question("I can't help with that.") == "I can't help with that."
