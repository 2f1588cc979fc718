"""Both data sets of a corpus, from its chunks: written, filtered, split, and counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from charter.project.records import SPLITS, PreferencePair
from charter.synthesis.instruct import write_instruct_data
from charter.synthesis.ledger import Ledger, Row
from charter.synthesis.preference import write_preference_data
from charter.synthesis.rule_data import write_rule_pairs, write_rule_questions
from charter.synthesis.splits import assign_splits
from charter.synthesis.synthesis_context import SynthesisContext
from charter.synthesis.synthetic_data import SyntheticData


def write_data(context: SynthesisContext) -> tuple[SyntheticData, dict[str, dict[str, Any]]]:
    """Have the teacher write instruct and preference data; return it, and figures by kind of data.

    Near-duplicates are in one split, over both kinds, and so are pairs that quote one rule. What is made of
    rules alone is trained on only, and gives away no held-out row.
    """
    settings = context.settings
    # Preferences first: their value check leaves every chunk in the engine's prefix cache.
    preference = write_preference_data(context)
    instruct = write_instruct_data(context)
    texts = [row.question for row in instruct.kept] + [row.prompt for row in preference.kept]
    questions = len(instruct.kept)
    places = assign_splits(
        texts,
        context.encoder,
        settings.max_leak_similarity,
        settings.validation_share,
        [settings.test_share] * questions + [settings.pair_test_share] * len(preference.kept),
        ties=ties_by_rule(preference.kept, questions),
        trained=range(questions, len(texts)),
    )
    examples = _by_split(instruct.kept, places[:questions])
    pairs = _by_split(preference.kept, places[questions:])
    rules = write_rule_questions(
        context,
        held_out=[text for text, place in zip(texts, places, strict=True) if place != "train"],
        held_out_rules={_rule(pair) for split in SPLITS if split != "train" for pair in pairs[split]},
    )
    rule_pairs = write_rule_pairs(context, rules.kept)
    asked_about = {row.chunk_id for row in instruct.kept}
    figures = {
        "instruct": _figures(instruct, examples)
        | {"chunks_without_example": sum(chunk.id not in asked_about for chunk in context.chunks)},
        "rule": _figures(rules, {"train": rules.kept}),
        "preference": _figures(preference, pairs)
        | {"chunks_without_value": sum(row.filter == "value" for row in preference.rejected)},
        "rule-pair": _figures(rule_pairs, {"train": rule_pairs.kept}),
    }
    rows = SyntheticData(
        chunks=context.chunks,
        instruct=examples | {"train": examples["train"] + rules.kept},
        preference=pairs | {"train": pairs["train"] + rule_pairs.kept},
        rejected=instruct.rejected + rules.rejected + preference.rejected + rule_pairs.rejected,
    )
    return rows, figures


def ties_by_rule(pairs: Sequence[PreferencePair], start: int) -> list[tuple[int, int]]:
    """Join the pairs that quote one rule: in another split it would be a held-out response trained on.

    ``start`` is the place of the first pair among the texts that are split.
    """
    first: dict[str, int] = {}
    return [(first.setdefault(_rule(pair), place), place) for place, pair in enumerate(pairs, start)]


def _rule(pair: PreferencePair) -> str:
    """Return the rule that a pair's right response quotes, behind its Yes or No."""
    return pair.chosen.partition(". ")[2]


def _by_split(rows: Sequence[Row], places: Sequence[str]) -> dict[str, list[Row]]:
    return {
        split: [row for row, place in zip(rows, places, strict=True) if place == split] for split in SPLITS
    }


def _figures(written: Ledger[Row], kept: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    filters = Counter(row.filter for row in written.rejected)
    return {
        "requested": written.requested,
        "kept": len(written.kept),
        **{split: len(kept.get(split, ())) for split in SPLITS},
        "rejected": dict(sorted(filters.items())),
    }
