"""Search by words: BM25 (Robertson and Zaragoza, 2009), in any language.

Words are compared as they are written, in lower case: no stemmer and no list of stop words, which each know
one language. How rare a word is in the document says what it is worth.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from bm25s import BM25

from charter.documents.segmentation import UNSPACED, split_words
from charter.project.errors import CharterError
from charter.retrieval.ranking import Ranking

_WORDS = "bm25"


class Bm25Ranker:
    """How much each word speaks for each chunk.

    k1 is 1.5, b .75, and the weights of words are Lucene's (Kamphuis et al., ECIR 2020).
    """

    def __init__(self, scores: BM25) -> None:
        self._scores = scores

    @classmethod
    def build(cls, texts: Sequence[str]) -> "Bm25Ranker":
        """Count the words of the texts of chunks."""
        words = [search_words(text) for text in texts]
        # Sorted, so that the same chunks give the same bytes; the empty word is what bm25s asks for.
        known = {word: number for number, word in enumerate(sorted({"", *(w for row in words for w in row)}))}
        scores = BM25(method="lucene", k1=1.5, b=0.75)
        scores.index(([[known[word] for word in row] for row in words], known), show_progress=False)
        return cls(scores)

    @classmethod
    def load(cls, folder: Path) -> "Bm25Ranker":
        """Read what `save` wrote.

        Raises:
            CharterError: It is missing.
        """
        if not (folder / _WORDS).is_dir():
            raise CharterError(f"{folder / _WORDS}: no such folder; run `dvc repro rag-index`")
        return cls(BM25.load(folder / _WORDS, show_progress=False))

    def rank(self, questions: Sequence[str], count: int) -> list[Ranking]:
        """Return the ``count`` best chunks of those that share a word with the question."""
        return [self._rank(question, count) for question in questions]

    def save(self, folder: Path) -> None:
        """Write the scores."""
        self._scores.save(folder / _WORDS, show_progress=False)

    def _rank(self, question: str, count: int) -> Ranking:
        words = self._scores.get_tokens_ids(search_words(question))
        scores = self._scores.get_scores_from_ids(words)
        best = np.argsort(-scores, kind="stable")[:count]
        return [(int(place), float(scores[place])) for place in best if scores[place] > 0]


def search_words(text: str) -> list[str]:
    """Return the words of a text as they are searched; of unspaced scripts also each two that adjoin.

    There a character is a word of its own, and most words have two characters.
    """
    words = split_words(text)
    unspaced = [UNSPACED.match(word) is not None for word in words]
    joined = [
        a + b for (a, b), both in zip(pairwise(words), map(all, pairwise(unspaced)), strict=True) if both
    ]
    return words + joined
