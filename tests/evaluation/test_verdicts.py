"""The yes or no that an answer opens with."""

import pytest

from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.answer_words import split_answer
from charter.evaluation.verdicts import read_verdict

EN = load_answer_language("en")


@pytest.mark.parametrize(
    ("question", "answer", "verdict"),
    [
        ("May I take it?", "Yes.", "yes"),
        ("May I take it?", "Yes the employee may.", "yes"),
        ("May I take it?", "**No**, you may not.", "no"),
        ("May I take it?", "No you may not.", "no"),
        ("May I take it?", "No gift may be taken.", "no"),
        ("Must it sign first?", "No order goes out unsigned.", None),
        ("May I take it?", "Not at all.", "no"),
        ("May I take it?", "I'm afraid so: it is yours.", "yes"),
        ("May I take it?", "I'm afraid not.", "no"),
        ("May I take it?", "Of course not.", "no"),
        ("May I take it?", "Of course.", "yes"),
        ("May I take it?", "Answer: no", "no"),
        ("May I take it?", "You may.", "yes"),
        ("May I take it?", "You may not take cash.", "no"),
        ("May I take it?", "You may take it with leave.", None),
        ("May I take it?", "You may not only take it, but keep it.", None),
        ("My boss wants it. Can he make me?", "He can't, since you are free.", "no"),
        ("Is he right?", "He is wrong.", None),
        ("Is he right?", "You may not say so.", None),
        ("When is it due?", "It is not due.", None),
        ("May I take it?", "Nobody may.", "no"),
        ("May I take it?", "", None),
        ("May I take it?", "The answer is no.", "no"),
        ("May I take it?", 'The answer to this question is: "Yes, you can take it."', "yes"),
        ("May I take it?", "1. Well, no. You can't.", "no"),
        ("May I take it?", "The answer is:", None),
        ("Is he right?", "The answer is: The statement is incorrect.", None),
        ("Is it right to pay her less?", "It isn't right to pay her less.", "no"),
        ("Is it right to pay her less?", "It isn't.", "no"),
    ],
)
def test_verdicts(question: str, answer: str, verdict: str | None) -> None:
    assert read_verdict(split_answer(answer, EN), split_answer(question, EN), EN) == verdict
