"""synthesize: chunks and a teacher to instruct and preference data, validated and split without leaks."""

from collections import Counter
from collections.abc import Sequence
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
        rules = write_rule_questions(chunks, asks, teacher, encoder, settings, params.seed)
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
    instruct_places, preference_places = places[:questions], places[questions:]
    _check_minimum(instruct_places, settings, instruct.rejected)
    rules = keep_from_held_out(
        rules,
        [text for text, place in zip(texts, places, strict=True) if place != "train"],
        {
            _rule(pair)
            for pair, place in zip(preference.pairs, preference_places, strict=True)
            if place != "train"
        },
        encoder,
        settings.max_leak_similarity,
    )
    refused = instruct.rejected + rules.rejected + preference.rejected
    examples = {split: _of_split(instruct.examples, instruct_places, split) for split in SPLITS}
    examples["train"] += rules.examples
    pairs = {split: _of_split(preference.pairs, preference_places, split) for split in SPLITS}
    for split in SPLITS:
        write_rows(paths.instruct(split), examples[split])
        write_rows(paths.preference(split), pairs[split])
    write_rows(paths.rejected, refused)
    asked_about = {row.chunk_id for row in instruct.examples}
    return {
        "instruct": _yield(instruct.requested, instruct_places, instruct.rejected)
        | {"chunks_without_example": sum(chunk.id not in asked_about for chunk in chunks)},
        "rule": _yield(rules.requested, ["train"] * len(rules.examples), rules.rejected),
        "preference": _yield(preference.requested, preference_places, preference.rejected)
        | {"chunks_without_value": preference.chunks_without_value},
        "coverage": summarize_coverage(measure_coverage(chunks, examples, pairs, refused)),
    }


def _ties_by_rule(pairs: Sequence[PreferencePair], start: int) -> list[tuple[int, int]]:
    """Join the pairs that quote one rule: in another split it would be a held-out response trained on."""
    first: dict[str, int] = {}
    return [(first.setdefault(_rule(pair), place), place) for place, pair in enumerate(pairs, start)]


def _rule(pair: PreferencePair) -> str:
    """Return the rule that a pair's right response quotes, behind its Yes or No."""
    return pair.chosen.partition(". ")[2]


def _of_split(rows: Sequence[Kept], places: Sequence[str], split: str) -> list[Kept]:
    return [row for row, place in zip(rows, places, strict=True) if place == split]


def _yield(requested: int, places: Sequence[str], rejected: Sequence[Rejected]) -> dict[str, Any]:
    filters = Counter(row.filter for row in rejected)
    return {
        "requested": requested,
        "kept": len(places),
        **{split: list(places).count(split) for split in SPLITS},
        "rejected": dict(sorted(filters.items())),
    }


def _check_minimum(places: Sequence[str], settings: Synthesize, rejected: Sequence[Rejected]) -> None:
    train, held_out = list(places).count("train"), list(places).count("test")
    if train >= settings.min_train_examples and held_out:
        return
    filters = Counter(row.filter for row in rejected).most_common()
    counts = ", ".join(f"{name} refused {count}" for name, count in filters) or "no filter refused any"
    raise CharterError(
        f"only {train} training and {held_out} test examples were kept; synthesize.min_train_examples asks "
        f"for {settings.min_train_examples} and evaluation for one: {counts}. "
        "Ask for more (synthesize.questions_per_style), or give a longer document."
    )
