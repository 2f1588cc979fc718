"""What a system is asked: one chat, the same in training and in evaluation."""

from collections.abc import Sequence

from charter import prompts

Message = dict[str, str]
"""A turn of a chat: ``role`` and ``content``."""


def answer_messages(title: str, question: str, passages: Sequence[str] = ()) -> list[Message]:
    """Ask a question about the documents called ``title``, with the retrieved ``passages`` if any."""
    return [
        {
            "role": "user",
            "content": prompts.render("answer", title=title, question=question, passages=passages),
        }
    ]
