"""synthesize: chunks and a teacher to instruct and preference data, validated and split without leaks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from charter.errors import CharterError
from charter.generation.budget import Budget
from charter.generation.teacher import open_teacher
from charter.params import Params, Synthesize
from charter.paths import CorpusPaths
from charter.records import SPLITS, Chunk, InstructExample, PreferencePair, Rejected
from charter.retrieval.encoder import Encoder
from charter.storage import read_rows, write_rows
from charter.synthesis.coverage import measure_coverage, summarize_coverage
from charter.synthesis.instruct import write_instruct_data
from charter.synthesis.preference import write_preference_data
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.rule_pairs import write_rule_pairs
from charter.synthesis.rule_questions import keep_from_held_out, write_rule_questions
from charter.synthesis.splits import assign_splits

Kept = TypeVar("Kept", InstructExample, PreferencePair)


def run(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Write both data sets, a file a split, and the ledger of everything refused.

    Raises:
        BudgetSpentError: The budget ended first; nothing is written, the journal has the answers.
        CharterError: Fewer examples were kept than synthesize.min_train_examples.
    """
    settings = params.synthesize
    chunks = read_rows(paths.chunks, Chunk)
    encoder = Encoder(paths.encoder)
    asks = TeacherRequests(params.corpora[paths.name].title, settings.temperature)
    with open_teacher(params, paths, Budget(params.budget)) as teacher:
        # Preferences first: their value check leaves every chunk in the engine's prefix cache.
        preference = write_preference_data(chunks, asks, teacher, encoder, settings, params.seed)
        instruct = write_instruct_data(chunks, asks, teacher, encoder, settings, params.seed)
        texts = [row.question for row in instruct.examples] + [row.prompt for row in preference.pairs]
        questions = len(instruct.examples)
        places = assign_splits(
            texts,
            encoder,
            settings.max_leak_similarity,
            settings.validation_share,
            settings.test_share,
            ties=_ties_by_rule(preference.pairs, questions),
            trained=range(questions, len(texts)),
        )
        examples = {split: _of_split(instruct.examples, places[:questions], split) for split in SPLITS}
        pairs = {split: _of_split(preference.pairs, places[questions:], split) for split in SPLITS}
        _check_minimum(examples, settings, instruct.rejected)
        # Rules are for training alone, which the held-out rows must be known for.
        rules = keep_from_held_out(
            write_rule_questions(chunks, asks, teacher, encoder, settings, params.seed),
            [text for text, place in zip(texts, places, strict=True) if place != "train"],
            {_rule(pair) for split in SPLITS if split != "train" for pair in pairs[split]},
            encoder,
            settings.max_leak_similarity,
        )
        by_id = {chunk.id: chunk for chunk in chunks}
        rule_pairs = write_rule_pairs(rules.examples, by_id, asks, teacher, settings)
    figures = {
        "instruct": _yield(instruct.requested, examples, instruct.rejected),
        "rule": _yield(rules.requested, {"train": rules.examples}, rules.rejected),
        "preference": _yield(preference.requested, pairs, preference.rejected)
        | {"chunks_without_value": preference.chunks_without_value},
        "rule-pair": _yield(rule_pairs.requested, {"train": rule_pairs.pairs}, rule_pairs.rejected),
    }
    examples["train"] += rules.examples
    pairs["train"] += rule_pairs.pairs
    refused = instruct.rejected + rules.rejected + preference.rejected + rule_pairs.rejected
    for split in SPLITS:
        write_rows(paths.instruct(split), examples[split])
        write_rows(paths.preference(split), pairs[split])
    write_rows(paths.rejected, refused)
    asked_about = {row.chunk_id for row in instruct.examples}
    figures["instruct"]["chunks_without_example"] = sum(chunk.id not in asked_about for chunk in chunks)
    return figures | {"coverage": summarize_coverage(measure_coverage(chunks, examples, pairs, refused))}


def _ties_by_rule(pairs: Sequence[PreferencePair], start: int) -> list[tuple[int, int]]:
    """Join the pairs that quote one rule: in another split it would be a held-out response trained on."""
    first: dict[str, int] = {}
    return [(first.setdefault(_rule(pair), place), place) for place, pair in enumerate(pairs, start)]


def _rule(pair: PreferencePair) -> str:
    """Return the rule that a pair's right response quotes, behind its Yes or No."""
    return pair.chosen.partition(". ")[2]


def _of_split(rows: Sequence[Kept], places: Sequence[str], split: str) -> list[Kept]:
    return [row for row, place in zip(rows, places, strict=True) if place == split]


def _yield(requested: int, kept: Mapping[str, Sequence[Any]], rejected: Sequence[Rejected]) -> dict[str, Any]:
    counts = {split: len(kept.get(split, ())) for split in SPLITS}
    filters = Counter(row.filter for row in rejected)
    return {
        "requested": requested,
        "kept": sum(counts.values()),
        **counts,
        "rejected": dict(sorted(filters.items())),
    }


def _check_minimum(
    examples: Mapping[str, Sequence[InstructExample]], settings: Synthesize, rejected: Sequence[Rejected]
) -> None:
    train, held_out = len(examples["train"]), len(examples["test"])
    if train >= settings.min_train_examples and held_out:
        return
    filters = Counter(row.filter for row in rejected).most_common()
    counts = ", ".join(f"{name} refused {count}" for name, count in filters) or "no filter refused any"
    raise CharterError(
        f"only {train} training and {held_out} test examples were kept; synthesize.min_train_examples asks "
        f"for {settings.min_train_examples} and evaluation for one: {counts}. "
        "Ask for more (synthesize.questions_per_style), or give a longer document."
    )
