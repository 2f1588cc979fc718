"""The page of errors: every message that the source can raise is on it, and none that it can't."""

import re
from pathlib import Path

import pytest
from error_messages import GAP, Message, messages

PAGE = Path(__file__).parent.parent.parent / "docs/troubleshooting.md"


def plain(text: str) -> str:
    """Without backticks, which a code span can't hold."""
    return text.replace("`", "")


def explained() -> list[str]:
    """The messages that the page explains: its lines that are a code span and no more."""
    return re.findall(r"^`([^`\n]+)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


ALL = messages()
MESSAGES = {message.text: message for message in ALL if message.says_something}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.text)
def test_every_error_is_explained(message: Message) -> None:
    found = [text for text in explained() if text in plain(message.text)]
    assert found, f"src/charter/{message.place} can say this, and docs/troubleshooting.md has no part of it"


@pytest.mark.parametrize("text", explained())
def test_every_explained_error_can_be_raised(text: str) -> None:
    assert any(text in plain(message.text) for message in ALL), "no source raises it any more"


def test_messages_are_found_with_all_that_they_may_say() -> None:
    """Both sides of a choice, what a function of the module returns, and gaps for what only a run knows."""
    rooms = {message.room for message in ALL}
    assert {"project", "documents", "generation", "training", "registry"} <= rooms
    texts = set(MESSAGES)
    assert any("takes a corpus" in text for text in texts)
    assert any("takes no corpus" in text for text in texts)
    assert any(text.startswith(GAP) for text in texts)
