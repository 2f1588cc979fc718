"""What a system is asked: one chat, the same in training and in evaluation."""

from collections.abc import Sequence

from charter.project.templates import Prompts

_PROMPTS = Prompts("charter.training")

Message = dict[str, str]
"""A turn of a chat: ``role`` and ``content``."""


def answer_messages(question: str, passages: Sequence[str] = ()) -> list[Message]:
    """Ask a question, with the retrieved ``passages`` if any.

    Neither the documents' title nor headings are shown: small models repeat them instead of answering.
    """
    content = _PROMPTS.render("answer", question=question, passages=passages)
    return [{"role": "user", "content": content}]
