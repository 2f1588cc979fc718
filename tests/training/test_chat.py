from charter.training.chat import answer_messages


def test_passages_stand_before_the_question() -> None:
    [message] = answer_messages("May I?", ["No gifts.", "No bribes."])
    assert message["role"] == "user"
    at = [message["content"].index(part) for part in ("No gifts.", "No bribes.", "May I?")]
    assert at == sorted(at)


def test_without_passages_none_are_announced_and_the_style_is_asked_for_alike() -> None:
    [bare], [shown] = answer_messages("May I?"), answer_messages("May I?", ["No gifts."])
    assert shown["content"] == f"No gifts.\n\n{bare['content']}"
    assert bare["content"].startswith("Question: May I?")
    assert "in one short sentence" in bare["content"]
