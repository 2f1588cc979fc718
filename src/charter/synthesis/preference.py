"""Preference pairs: a scenario, a response that follows the document and one that goes against it.

A small teacher stays nice when asked for a bad response, and also when asked to answer by the opposite of a
rule. But it turns a finished answer round: so the faithful response is written first, from the chunk, and
the unfaithful one is its opposite, with the same tone and length. Which of the two is right is then asked
again with neither in view, and decides which is chosen: shown a response that begins with No, a small
teacher says No of it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from charter.generation.journal import JournaledEngine
from charter.generation.verdict import choice_probability
from charter.params import Synthesize
from charter.records import Chunk, PreferencePair, Rejected, content_id
from charter.retrieval.encoder import Encoder
from charter.synthesis.decisions import decide_verification
from charter.synthesis.filters import (
    check_answer,
    check_contrast,
    check_scenario,
    state_reason,
)
from charter.synthesis.ledger import Ledger
from charter.synthesis.requests import TeacherRequests

PERSONAS = (
    "a parent",
    "a new employee",
    "a young woman",
    "a manager",
    "a neighbour",
    "an old man",
    "a public official",
    "a student from abroad",
    "a shop owner",
    "a journalist",
    "a nurse",
)
"""Who asks; the scenarios of a chunk take them in turn, from where its id points."""

MAX_SHARED_WORDS = 0.9


@dataclass(frozen=True)
class PreferenceData:
    """What was kept, what was refused, how many pairs were tried, and the chunks without values."""

    pairs: list[PreferencePair]
    rejected: list[Rejected]
    requested: int
    chunks_without_value: int


@dataclass(frozen=True)
class _Draft:
    chunk: Chunk
    prompt: str = ""
    chosen: str = ""
    rejected: str = ""

    @property
    def texts(self) -> tuple[str, str, str]:
        return self.prompt, self.chosen, self.rejected


def write_preference_data(
    chunks: Sequence[Chunk],
    asks: TeacherRequests,
    teacher: JournaledEngine,
    encoder: Encoder,
    settings: Synthesize,
    seed: int,
) -> PreferenceData:
    """Ask the teacher for scenarios about each chunk that states a value, and for both responses.

    Filters, in order: ``value`` of the chunk; format of the ``scenario``; ``duplicate``; format of the
    ``response``; ``contrast`` (one says yes and the other no, in different words and like lengths); and
    ``verification``: asked for yes or no alone, the teacher's log-odds favour one of the two, which is
    then the chosen one, by min_preference_margin.
    """
    ledger = Ledger("preference")
    with_value = _check_values(chunks, asks, teacher, ledger)
    with_value = _choose(with_value, settings.max_scenarios // settings.scenarios_per_chunk)
    drafts = _write_scenarios(with_value, asks, teacher, settings, seed, ledger)
    drafts = ledger.without_duplicates(
        drafts, [draft.prompt for draft in drafts], encoder, settings.max_question_similarity
    )
    drafts = _write_responses(drafts, asks, teacher)
    drafts = _check_responses(drafts, settings, ledger)
    pairs = _verify(drafts, asks, teacher, settings.min_preference_margin, ledger)
    return PreferenceData(
        pairs=pairs,
        rejected=ledger.rows,
        requested=len(with_value) * settings.scenarios_per_chunk,
        chunks_without_value=sum(row.filter == "value" for row in ledger.rows),
    )


def _check_values(
    chunks: Sequence[Chunk], asks: TeacherRequests, teacher: JournaledEngine, ledger: Ledger
) -> list[Chunk]:
    verdicts = teacher.complete([asks.value_check(chunk) for chunk in chunks], "value check")
    kept = []
    for chunk, verdict in zip(chunks, verdicts, strict=True):
        probability, _ = choice_probability(verdict, "Yes", "No")
        if probability is not None and probability >= 0.5:
            kept.append(chunk)
        else:
            ledger.refuse(chunk, "value", f"value probability {probability}")
    return kept


def _choose(chunks: Sequence[Chunk], count: int) -> list[Chunk]:
    """Choose ``count`` chunks by their ids: in an amended document, the others' places stay as they were."""
    chosen = {chunk.id for chunk in sorted(chunks, key=lambda chunk: chunk.id)[:count]}
    return [chunk for chunk in chunks if chunk.id in chosen]


def _write_scenarios(
    chunks: Sequence[Chunk],
    asks: TeacherRequests,
    teacher: JournaledEngine,
    settings: Synthesize,
    seed: int,
    ledger: Ledger,
) -> list[_Draft]:
    count = settings.scenarios_per_chunk
    calls = [
        asks.scenarios(chunk, PERSONAS[int(chunk.id, 16) % len(PERSONAS)], count, seed) for chunk in chunks
    ]
    completions = teacher.complete(calls, "scenarios")
    return [
        _Draft(chunk, text)
        for chunk, completion in zip(chunks, completions, strict=True)
        for text in ledger.accept_questions(chunk, completion.text, count, "scenario", check_scenario)
    ]


def _write_responses(drafts: list[_Draft], asks: TeacherRequests, teacher: JournaledEngine) -> list[_Draft]:
    faithful = teacher.complete(
        [asks.faithful_response(draft.chunk, draft.prompt) for draft in drafts], "faithful responses"
    )
    drafts = [
        replace(draft, chosen=state_reason(completion.text.strip()))
        for draft, completion in zip(drafts, faithful, strict=True)
    ]
    opposite = teacher.complete(
        [asks.opposite_response(draft.prompt, draft.chosen) for draft in drafts], "unfaithful responses"
    )
    return [
        replace(draft, rejected=state_reason(completion.text.strip()))
        for draft, completion in zip(drafts, opposite, strict=True)
    ]


def _check_responses(drafts: list[_Draft], settings: Synthesize, ledger: Ledger) -> list[_Draft]:
    kept = []
    for draft in drafts:
        problem = check_answer(draft.chosen) or check_answer(draft.rejected)
        if problem:
            ledger.refuse(draft.chunk, "response", problem, *draft.texts)
            continue
        contrast = check_contrast(draft.chosen, draft.rejected, settings.max_length_ratio, MAX_SHARED_WORDS)
        if contrast:
            ledger.refuse(draft.chunk, "contrast", contrast, *draft.texts)
            continue
        kept.append(draft)
    return kept


def _verify(
    drafts: list[_Draft],
    asks: TeacherRequests,
    teacher: JournaledEngine,
    min_margin: float,
    ledger: Ledger,
) -> list[PreferencePair]:
    """Keep the pairs of which one side gives the answer that the teacher gives without seeing either.

    That side is the chosen one. Small teachers write "Yes, they may, because nobody may ..." and turn it
    into a right answer; such a pair is kept the other way round.
    """
    verdicts = teacher.complete([asks.verdict(draft.chunk, draft.prompt) for draft in drafts], "verification")
    pairs = []
    for draft, verdict in zip(drafts, verdicts, strict=True):
        sides = ((draft.chosen, draft.rejected), (draft.rejected, draft.chosen))
        decisions = [decide_verification(verdict, chosen, min_margin) for chosen, _ in sides]
        right = next((side for side, decision in zip(sides, decisions, strict=True) if decision.kept), None)
        if right is None:
            score = decisions[0].score
            reason = "no verdict" if score is None else f"log-odds {score:.2f}, within {min_margin} of a tie"
            ledger.refuse(draft.chunk, "verification", reason, *draft.texts)
            continue
        chosen, rejected = right
        pairs.append(
            PreferencePair(
                id=content_id(draft.chunk.id, draft.prompt, chosen, rejected),
                chunk_id=draft.chunk.id,
                prompt=draft.prompt,
                chosen=chosen,
                rejected=rejected,
            )
        )
    return pairs
