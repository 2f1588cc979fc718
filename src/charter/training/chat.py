"""What a system is asked: one chat, the same in training and in evaluation."""

from collections.abc import Sequence

from charter.project.templates import Prompts

_PROMPTS = Prompts("charter.training")

Chat = list[dict[str, str]]
"""The turns of a chat as templates read them: ``role`` and ``content``."""


def answer_messages(question: str, passages: Sequence[str] = ()) -> Chat:
    """Ask a question, with the retrieved ``passages`` if any, in one turn of the user's.

    There is no system turn, which the templates of Gemma and Mistral refuse. Neither the documents' title nor
    headings are shown: small models repeat them instead of answering.
    """
    content = _PROMPTS.render("answer", question=question, passages=passages)
    return [{"role": "user", "content": content}]
