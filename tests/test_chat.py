from charter.chat import answer_messages


def test_passages_stand_before_the_question() -> None:
    [message] = answer_messages("the Code", "May I?", ["No gifts.", "No bribes."])
    assert message["role"] == "user"
    at = [message["content"].index(part) for part in ("No gifts.", "No bribes.", "May I?")]
    assert at == sorted(at)


def test_without_passages_none_are_announced() -> None:
    [message] = answer_messages("the Code", "May I?")
    assert "Passages" not in message["content"]
    assert "the Code" in message["content"]
    assert "Answer in one short sentence." in message["content"]
