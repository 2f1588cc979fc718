"""The text of a reply as it grows: nothing is told that is taken back."""

from charter.serving.answering import ReplyText


class Bytes:
    """A tokenizer whose tokens are bytes."""

    def decode(self, tokens: list[int], skip_special_tokens: bool) -> str:
        return bytes(tokens).decode(errors="replace")


def told(text: str, *stops: str) -> list[str]:
    """The pieces of a reply that comes byte by byte, until it is stopped."""
    tokens, reply, pieces = list(text.encode()), ReplyText(Bytes(), stops), []
    for number in range(1, len(tokens) + 1):
        pieces.append(reply.more(tokens[:number], number == len(tokens)))
        if reply.stopped:
            break
    return pieces


def test_letters_of_several_tokens_are_told_whole() -> None:
    assert told("n\u00e9") == ["n", "", "\u00e9"]


def test_what_evaluation_trims_is_never_told() -> None:
    assert told(" a b \n") == ["", "a", "", " b", "", ""]


def test_a_stop_and_its_beginning_are_held_back() -> None:
    assert "".join(told("one, STOP two", "STOP")) == "one,"
    assert "".join(told("one, STOR", "STOP")) == "one, STOR"
    assert "".join(told("aXbYc", "Y", "X")) == "a"


def test_a_stop_that_is_longer_than_the_text_so_far_is_held_back() -> None:
    assert "".join(told("STOPSTOP", "STOPSTOP")) == ""
    assert "".join(told("STOPST", "STOPSTOP")) == "STOPST"
