"""How much of what one text says is in another, by words that are weighed by how much they tell.

A word weighs the more the fewer sentences of the corpus have it (inverse document frequency, smoothed: Spärck
Jones, 1972), so no list of stop words is needed and any language can be measured. Words are compared by
their first letters, STEM of them: "supplier" is in a text that has "suppliers".
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable

from charter.documents.segmentation import split_sentences, split_words
from charter.project.records import Chunk

STEM = 5


def stems(text: str) -> set[str]:
    """Return the words of a text, each cut to its first STEM letters."""
    return {word[:STEM] for word in split_words(text)}


class WordWeights:
    """Weighs words by the sentences of a corpus: ln((1 + n) / (1 + n_w)) + 1, where n_w of n have it."""

    def __init__(self, chunks: Iterable[Chunk]):
        """``chunks`` are all of the corpus."""
        sentences = [text for chunk in chunks for text in split_sentences(chunk.text, chunk.language)]
        self._count = len(sentences)
        self._having = Counter(stem for sentence in sentences for stem in stems(sentence))

    def share(self, text: str, known: Collection[str]) -> float:
        """Return the share of a text's words, by weight, among the ``known`` stems; 0 without words."""
        said = stems(text)
        total = math.fsum(map(self._weight, said))
        return math.fsum(self._weight(stem) for stem in said if stem in known) / total if total else 0.0

    def _weight(self, stem: str) -> float:
        return math.log((1 + self._count) / (1 + self._having[stem])) + 1
