"""What of a document the training data speak of: sentence by sentence, and chunk by chunk.

A sentence is covered when the training answers of its chunk have at least half of what its words say, by
`charter.synthesis.word_weights`.
Only answers and chosen responses count, for the models are trained on these alone. Covered means spoken of:
an answer that gets a rule wrong covers it too; whether answers are right is for the validators to say.
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
"""The least share of a covered sentence, by weight, that the answers have. Half, not fitted to data."""


@dataclass(frozen=True)
class SentenceCoverage:
    """A sentence; ``share`` is what the training answers of its chunk have of its words, by weight, 0-1."""

    text: str
    share: float

    @property
    def covered(self) -> bool:
        """Whether the training data speak of it."""
        return self.share >= MIN_SHARE


@dataclass(frozen=True)
class ChunkCoverage:
    """What was made of a chunk.

    ``questions`` and ``pairs`` count its training rows, ``held_out_questions`` and ``held_out_pairs`` those
    of the validation and test splits. ``has_value`` is the teacher's finding. ``refused_pairs`` counts the
    scenarios about it and their responses that a filter refused, by filter.
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
    questions, held_out_questions = _count(data.instruct)
    pairs, held_out_pairs = _count(data.preference)
    return [
        ChunkCoverage(
            chunk=chunk,
            questions=questions[chunk.id],
            pairs=pairs[chunk.id],
            held_out_questions=held_out_questions[chunk.id],
            held_out_pairs=held_out_pairs[chunk.id],
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


def _count(
    rows: Mapping[str, Sequence[InstructExample | PreferencePair]],
) -> tuple[Counter[str], Counter[str]]:
    """Count rows by chunk: those of training, and the held-out ones."""
    held_out = (row.chunk_id for split, of_split in rows.items() if split != "train" for row in of_split)
    return Counter(row.chunk_id for row in rows["train"]), Counter(held_out)
