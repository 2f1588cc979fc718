"""The file of votes: lines are added to it and never changed."""

from pathlib import Path

from charter.project.appended import read_appended
from charter.project.vote_records import Vote


def read_votes(path: Path) -> tuple[list[Vote], int]:
    """Read all votes, each once, and count the torn lines (`charter.project.appended.read_appended`)."""
    votes, torn = read_appended(path, Vote)
    once: dict[str, Vote] = {}
    for vote in votes:
        once.setdefault(vote.id, vote)
    return list(once.values()), torn
