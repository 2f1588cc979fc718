"""Prefixes that prompts share: what an engine with a prefix cache reads once."""

import hashlib
from collections.abc import Sequence

_BLOCK = 32
"""Tokens in a block of the cache: of OpenVINO's pipeline on a CPU, and of the size that servers use."""


def prefix_blocks(tokens: Sequence[int]) -> list[bytes]:
    """Return a name for each prefix of a prompt that ends where a block of the cache does, shortest first."""
    digest, names = hashlib.sha256(), []
    for end in range(_BLOCK, len(tokens) + 1, _BLOCK):
        digest.update(str(tokens[end - _BLOCK : end]).encode())
        names.append(digest.digest())
    return names


class SharedPrefixes:
    """How much of each prompt an engine that has read the ones before needn't read again."""

    def __init__(self) -> None:
        self._read: set[bytes] = set()

    def add(self, tokens: Sequence[int]) -> int:
        """Return how many of a prompt's tokens were read before; its last token is always read anew."""
        names = prefix_blocks(tokens)
        shared = next((number for number, name in enumerate(names) if name not in self._read), len(names))
        self._read.update(names)
        return min(shared * _BLOCK, max(len(tokens) - 1, 0))
