"""A few of many, chosen without chance."""

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def take_evenly(items: Sequence[Item], count: int) -> list[Item]:
    """Take ``count`` items at even distances, so that they stand for the whole; all where there are fewer."""
    if count >= len(items):
        return list(items)
    return [items[(2 * number + 1) * len(items) // (2 * count)] for number in range(count)]
