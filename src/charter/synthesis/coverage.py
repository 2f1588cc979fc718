"""What of a document the training data speak of: rule by rule, and chunk by chunk.

Training speaks of a rule when a training row was written about it, or when the training answers of its chunk
have at least half of what its words say, by `charter.synthesis.word_weights`. An answer that gets a rule
wrong speaks of it too; whether answers are right is for the validators to say.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charter.project.records import Chunk, InstructExample, PreferencePair, Rule
from charter.synthesis.synthetic_data import SyntheticData
from charter.synthesis.word_weights import WordWeights, stems

MIN_SHARE = 0.5
"""Of a rule's words, by weight; not fitted to data."""


@dataclass(frozen=True)
class RuleCoverage:
    """A rule: whether training speaks of it, and whether held-out questions or pairs test it."""

    rule: Rule
    trained: bool
    tested: bool


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
    rules: tuple[RuleCoverage, ...]

    @property
    def lacks_pair(self) -> bool:
        """Whether it has a value that no training pair teaches."""
        return self.has_value and not self.pairs


def measure_coverage(data: SyntheticData) -> list[ChunkCoverage]:
    """Measure each chunk of a corpus, in their order; one that the filter ``value`` refused has no value."""
    weights = WordWeights(data.chunks)
    trained = _spoken_of(data, ("train",), weights)
    tested = _spoken_of(data, ("validation", "test"), weights)
    refused: dict[str, Counter[str]] = defaultdict(Counter)
    for refusal in data.rejected:
        if refusal.kind == "preference":
            refused[refusal.chunk_id][refusal.filter] += 1
    questions, pairs = _count(data.instruct), _count(data.preference)
    rules: dict[str, list[Rule]] = defaultdict(list)
    for rule in data.rules:
        rules[rule.chunk_id].append(rule)
    return [
        ChunkCoverage(
            chunk=chunk,
            questions=questions[chunk.id, True],
            pairs=pairs[chunk.id, True],
            held_out_questions=questions[chunk.id, False],
            held_out_pairs=pairs[chunk.id, False],
            has_value="value" not in refused[chunk.id],
            refused_pairs=dict(refused[chunk.id]),
            rules=tuple(
                RuleCoverage(rule, rule.id in trained, rule.id in tested) for rule in rules[chunk.id]
            ),
        )
        for chunk in data.chunks
    ]


def summarize_coverage(measured: Sequence[ChunkCoverage]) -> dict[str, Any]:
    """Count what is covered, for the metrics of synthesis."""
    rules = [item for chunk in measured for item in chunk.rules]
    trained = sum(item.trained for item in rules)
    return {
        "chunks": len(measured),
        "chunks_with_training_question": sum(item.questions > 0 for item in measured),
        "rules": len(rules),
        "rules_trained": trained,
        "rules_trained_share": trained / len(rules) if rules else 0.0,
        "rules_tested": sum(item.tested for item in rules),
        "value_chunks": sum(item.has_value for item in measured),
        "value_chunks_without_pair": sum(item.lacks_pair for item in measured),
    }


def _spoken_of(data: SyntheticData, splits: Sequence[str], weights: WordWeights) -> set[str]:
    """Return the ids of the rules that the rows of some splits speak of."""
    about: set[str] = set()
    words: dict[str, set[str]] = defaultdict(set)
    for split in splits:
        said = [(row.chunk_id, row.rule, row.answer) for row in data.instruct[split]]
        said += [(pair.chunk_id, pair.rule, pair.chosen) for pair in data.preference[split]]
        for chunk_id, rule, text in said:
            about.add(rule)
            words[chunk_id] |= stems(text)
    return {
        rule.id
        for rule in data.rules
        if rule.statement in about or weights.share(rule.statement, words[rule.chunk_id]) >= MIN_SHARE
    }


def _count(rows: Mapping[str, Sequence[InstructExample | PreferencePair]]) -> Counter[tuple[str, bool]]:
    """Count rows by chunk and whether they are trained on."""
    return Counter((row.chunk_id, split == "train") for split, of_split in rows.items() for row in of_split)
