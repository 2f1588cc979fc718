"""Decisions on rows that tests are made of."""

from itertools import count

from charter.project.records import InstructExample, PreferencePair, content_id
from charter.project.review_records import DataRow, RowDecision

_SECONDS = count()


def example_of(question: str, answer: str, chunk_id: str = "gifts") -> InstructExample:
    return InstructExample(
        id=content_id(chunk_id, question, answer),
        chunk_id=chunk_id,
        style="content",
        rule="",
        question=question,
        answer=answer,
    )


def pair_of(
    prompt: str, chosen: str, rejected: str, chunk_id: str = "gifts", rule: str = ""
) -> PreferencePair:
    return PreferencePair(
        id=content_id(chunk_id, prompt, chosen, rejected),
        chunk_id=chunk_id,
        rule=rule,
        prompt=prompt,
        chosen=chosen,
        rejected=rejected,
    )


def decided(
    row: DataRow,
    decision: str,
    reviewer: str = "Ada",
    *,
    reason: str = "",
    time: str = "",
    informed: bool = False,
    **words: str,
) -> RowDecision:
    """A decision, later than those made before it; ``words`` are what an edit changes."""
    return RowDecision.model_validate(
        {
            "row": row,
            "reviewer": reviewer,
            "time": time or f"2026-11-28T04:00:00.{next(_SECONDS):03}+00:00",
            "decision": decision,
            "edited": row.model_copy(update=dict(words)) if words else None,
            "reason": reason,
            "informed": informed,
        }
    )
