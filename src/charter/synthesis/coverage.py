"""What of a document the training data speak of: sentence by sentence, and chunk by chunk.

A sentence is covered when the training answers of its chunk have at least half of what its words say, by
`charter.synthesis.word_weights`. Covered means spoken of: an answer that gets a rule wrong covers it too;
whether answers are right is for the validators to say.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charter.documents.segmentation import split_sentences, split_words
from charter.project.records import Chunk, InstructExample, PreferencePair
from charter.synthesis.synthetic_data import SyntheticData
from charter.synthesis.word_weights import WordWeights, stems

MIN_SHARE = 0.5
"""Of a covered sentence, by weight; not fitted to data."""


@dataclass(frozen=True)
class SentenceCoverage:
    """A sentence, and the share of its words, by weight, that the training answers of its chunk have."""

    text: str
    share: float

    @property
    def covered(self) -> bool:
        """Whether the training data speak of it."""
        return self.share >= MIN_SHARE


@dataclass(frozen=True)
class ChunkCoverage:
    """What was made of a chunk: ``questions`` and ``pairs`` to train on, and held-out ones.

    ``has_value`` is the teacher's finding. ``refused_pairs`` counts, by filter, the scenarios about it and
    their responses that were refused.
    """

    chunk: Chunk
    questions: int
    pairs: int
    held_out_questions: int
    held_out_pairs: int
    has_value: bool
    refused_pairs: Mapping[str, int]
    sentences: tuple[SentenceCoverage, ...]

    @property
    def lacks_pair(self) -> bool:
        """Whether it has a value that no training pair teaches."""
        return self.has_value and not self.pairs


def measure_coverage(data: SyntheticData) -> list[ChunkCoverage]:
    """Measure each chunk of a corpus, in their order; one that the filter ``value`` refused has no value."""
    sentences = [[text for text in split_sentences(chunk.text) if split_words(text)] for chunk in data.chunks]
    weights = WordWeights([text for of_chunk in sentences for text in of_chunk])
    answers: dict[str, set[str]] = defaultdict(set)
    for row in data.instruct["train"]:
        answers[row.chunk_id] |= stems(row.answer)
    for pair in data.preference["train"]:
        answers[pair.chunk_id] |= stems(pair.chosen)
    refused: dict[str, Counter[str]] = defaultdict(Counter)
    for refusal in data.rejected:
        if refusal.kind == "preference":
            refused[refusal.chunk_id][refusal.filter] += 1
    questions, pairs = _count(data.instruct), _count(data.preference)
    return [
        ChunkCoverage(
            chunk=chunk,
            questions=questions[chunk.id, True],
            pairs=pairs[chunk.id, True],
            held_out_questions=questions[chunk.id, False],
            held_out_pairs=pairs[chunk.id, False],
            has_value="value" not in refused[chunk.id],
            refused_pairs=dict(refused[chunk.id]),
            sentences=tuple(
                SentenceCoverage(text, weights.share(text, answers[chunk.id])) for text in of_chunk
            ),
        )
        for chunk, of_chunk in zip(data.chunks, sentences, strict=True)
    ]


def summarize_coverage(measured: Sequence[ChunkCoverage]) -> dict[str, Any]:
    """Count what is covered, for the metrics of synthesis."""
    sentences = [sentence for item in measured for sentence in item.sentences]
    covered = sum(sentence.covered for sentence in sentences)
    return {
        "chunks": len(measured),
        "chunks_with_training_question": sum(item.questions > 0 for item in measured),
        "sentences": len(sentences),
        "sentences_covered": covered,
        "sentences_covered_share": covered / len(sentences) if sentences else 0.0,
        "value_chunks": sum(item.has_value for item in measured),
        "value_chunks_without_pair": sum(item.lacks_pair for item in measured),
    }


def _count(rows: Mapping[str, Sequence[InstructExample | PreferencePair]]) -> Counter[tuple[str, bool]]:
    """Count rows by chunk and whether they are trained on."""
    return Counter((row.chunk_id, split == "train") for split, of_split in rows.items() for row in of_split)
