"""Both data sets of a corpus, from its chunks: written, filtered, split, and counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from charter.generation.journal import JournaledEngine
from charter.project.params import Synthesize
from charter.project.records import SPLITS, Chunk, InstructExample, PreferencePair, Rejected
from charter.retrieval.encoder import Encoder
from charter.synthesis.instruct import write_instruct_data
from charter.synthesis.preference import write_preference_data
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.rule_pairs import write_rule_pairs
from charter.synthesis.rule_questions import HeldOut, write_rule_questions
from charter.synthesis.splits import assign_splits

Kept = TypeVar("Kept", InstructExample, PreferencePair)


@dataclass(frozen=True)
class WrittenData:
    """What was kept, by split, what was refused, and how much of it there is, by kind.

    ``figures`` has for each kind of `charter.project.records.RefusedKind` what was requested, kept, put into
    each split, and refused by each filter.
    """

    examples: dict[str, list[InstructExample]]
    pairs: dict[str, list[PreferencePair]]
    rejected: list[Rejected]
    figures: dict[str, dict[str, Any]]


def write_data(
    chunks: Sequence[Chunk],
    asks: TeacherRequests,
    teacher: JournaledEngine,
    encoder: Encoder,
    settings: Synthesize,
    seed: int,
) -> WrittenData:
    """Have the teacher write instruct and preference data about the chunks.

    Near-duplicates are in one split, over both kinds, and so are pairs that quote one rule. What is made of
    rules alone is trained on only, and gives away no held-out row.
    """
    # Preferences first: their value check leaves every chunk in the engine's prefix cache.
    preference = write_preference_data(chunks, asks, teacher, encoder, settings, seed)
    instruct = write_instruct_data(chunks, asks, teacher, encoder, settings, seed)
    texts = [row.question for row in instruct.examples] + [row.prompt for row in preference.pairs]
    questions = len(instruct.examples)
    places = assign_splits(
        texts,
        encoder,
        settings.max_leak_similarity,
        settings.validation_share,
        [settings.test_share] * questions + [settings.pair_test_share] * len(preference.pairs),
        ties=ties_by_rule(preference.pairs, questions),
        trained=range(questions, len(texts)),
    )
    examples = {split: _of_split(instruct.examples, places[:questions], split) for split in SPLITS}
    pairs = {split: _of_split(preference.pairs, places[questions:], split) for split in SPLITS}
    held_out = HeldOut(
        questions=[text for text, place in zip(texts, places, strict=True) if place != "train"],
        rules={_rule(pair) for split in SPLITS if split != "train" for pair in pairs[split]},
    )
    rules = write_rule_questions(chunks, asks, teacher, encoder, settings, seed, held_out)
    by_id = {chunk.id: chunk for chunk in chunks}
    rule_pairs = write_rule_pairs(rules.examples, by_id, asks, teacher, settings)
    asked_about = {row.chunk_id for row in instruct.examples}
    figures = {
        "instruct": _figures(instruct.requested, examples, instruct.rejected)
        | {"chunks_without_example": sum(chunk.id not in asked_about for chunk in chunks)},
        "rule": _figures(rules.requested, {"train": rules.examples}, rules.rejected),
        "preference": _figures(preference.requested, pairs, preference.rejected)
        | {"chunks_without_value": preference.chunks_without_value},
        "rule-pair": _figures(rule_pairs.requested, {"train": rule_pairs.pairs}, rule_pairs.rejected),
    }
    return WrittenData(
        examples=examples | {"train": examples["train"] + rules.examples},
        pairs=pairs | {"train": pairs["train"] + rule_pairs.pairs},
        rejected=instruct.rejected + rules.rejected + preference.rejected + rule_pairs.rejected,
        figures=figures,
    )


def ties_by_rule(pairs: Sequence[PreferencePair], start: int) -> list[tuple[int, int]]:
    """Join the pairs that quote one rule: in another split it would be a held-out response trained on.

    ``start`` is the place of the first pair among the texts that are split.
    """
    first: dict[str, int] = {}
    return [(first.setdefault(_rule(pair), place), place) for place, pair in enumerate(pairs, start)]


def _rule(pair: PreferencePair) -> str:
    """Return the rule that a pair's right response quotes, behind its Yes or No."""
    return pair.chosen.partition(". ")[2]


def _of_split(rows: Sequence[Kept], places: Sequence[str], split: str) -> list[Kept]:
    return [row for row, place in zip(rows, places, strict=True) if place == split]


def _figures(
    requested: int, kept: Mapping[str, Sequence[Any]], rejected: Sequence[Rejected]
) -> dict[str, Any]:
    counts = {split: len(kept.get(split, ())) for split in SPLITS}
    filters = Counter(row.filter for row in rejected)
    return {
        "requested": requested,
        "kept": sum(counts.values()),
        **counts,
        "rejected": dict(sorted(filters.items())),
    }
