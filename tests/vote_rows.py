"""Votes that tests are made of."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from charter.project.vote_records import Vote, VotedAnswer

_NUMBERS = count()


def vote_of(
    question: str, texts: Mapping[str, str], best: int | None, cut: tuple[str, ...] = (), **changed: Any
) -> Vote:
    """A vote on the texts of systems, by their labels; those in ``cut`` were cut off."""
    answers = tuple(
        VotedAnswer.model_validate(
            {
                "system": label.removesuffix("+rag"),
                "rag": label.endswith("+rag"),
                "models": ("0" * 64,),
                "text": text,
                "whole": label not in cut,
            }
        )
        for label, text in texts.items()
    )
    vote = Vote(
        id=str(next(_NUMBERS)),
        time="2026-11-28T04:00:00+00:00",
        voter="Ada",
        question=question,
        blind=True,
        chunk_id="gifts",
        rule="Ask before you take gifts.",
        retrieved=(),
        answers=answers,
        best=best,
    )
    return vote.model_copy(update=changed)
