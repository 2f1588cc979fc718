"""Preference pairs: a scenario, a response that follows the document and one that goes against it.

A small teacher stays nice when asked for a bad response, and also when asked to answer by the opposite of a
rule. But it turns a finished answer round: so the faithful response is written first, from the chunk, and
the unfaithful one is its opposite, with the same tone and length. Which of the two is right is then asked
again in two ways that don't lean on how the responses are worded, and decides which is chosen: shown a
question and an answer to it that begins with No, a small teacher says No of it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from charter.generation.journal import JournaledEngine
from charter.generation.verdict import choice_probability
from charter.params import Synthesize
from charter.records import Chunk, PreferencePair, Rejected, content_id
from charter.retrieval.encoder import Encoder
from charter.synthesis.decisions import Evidence, decide_verification, lean_to_yes, read_evidence
from charter.synthesis.filters import (
    check_answer,
    check_contrast,
    check_numbers,
    check_scenario,
    without_citation,
)
from charter.synthesis.ledger import Ledger
from charter.synthesis.requests import TeacherRequests

STANCES = (
    "something may be done that this passage forbids or protects people from. Each tells a practical "
    "situation and is answered with no.",
    "something may or must be done that this passage allows or requires. Each tells a practical situation "
    "and is answered with yes.",
)
"""What scenarios ask for, each completing "questions that ask whether"; a chunk's id says which is its own.

Asked for both at once, or for questions of a given person, a small teacher leaves the passage's subject.
"""

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

    Filters, in order: ``value`` of the chunk; format of the ``scenario``; its ``subject``, to which no
    other chunk is nearer; ``duplicate``; format of the ``response``; ``contrast`` (one says yes and the
    other no, in different words and like lengths); and ``verification``: the teacher's log-odds favour one
    of the two, which is then the chosen one, by min_preference_margin (`decide_verification`).
    """
    ledger = Ledger("preference")
    with_value = _check_values(chunks, asks, teacher, ledger)
    with_value = _choose(with_value, settings.max_scenarios // settings.scenarios_per_chunk)
    drafts = _write_scenarios(with_value, asks, teacher, settings, seed, ledger)
    drafts = _on_subject(drafts, chunks, encoder, ledger)
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
        asks.scenarios(chunk, STANCES[int(chunk.id, 16) % len(STANCES)], count, seed) for chunk in chunks
    ]
    completions = teacher.complete(calls, "scenarios")
    return [
        _Draft(chunk, text)
        for chunk, completion in zip(chunks, completions, strict=True)
        for text in ledger.accept_questions(chunk, completion.text, count, "scenario", check_scenario)
    ]


def _on_subject(
    drafts: list[_Draft], chunks: Sequence[Chunk], encoder: Encoder, ledger: Ledger
) -> list[_Draft]:
    """Keep the scenarios to which no chunk is nearer than their own (Dai et al., 2023, arXiv 2209.11755).

    Asked about what its passage doesn't speak of, a small teacher says No and is sure of it.
    """
    places = {chunk.id: place for place, chunk in enumerate(chunks)}
    counts = encoder.count_nearer(
        [draft.prompt for draft in drafts],
        [places[draft.chunk.id] for draft in drafts],
        [chunk.text for chunk in chunks],
    )
    kept = []
    for draft, nearer in zip(drafts, counts, strict=True):
        if nearer:
            ledger.refuse(draft.chunk, "subject", f"nearer to {nearer} other chunks", draft.prompt)
        else:
            kept.append(draft)
    return kept


def _write_responses(drafts: list[_Draft], asks: TeacherRequests, teacher: JournaledEngine) -> list[_Draft]:
    faithful = teacher.complete(
        [asks.faithful_response(draft.chunk, draft.prompt) for draft in drafts], "faithful responses"
    )
    drafts = [
        replace(draft, chosen=without_citation(completion.text.strip()))
        for draft, completion in zip(drafts, faithful, strict=True)
    ]
    opposite = teacher.complete(
        [asks.opposite_response(draft.prompt, draft.chosen) for draft in drafts], "unfaithful responses"
    )
    return [
        replace(draft, rejected=without_citation(completion.text.strip()))
        for draft, completion in zip(drafts, opposite, strict=True)
    ]


def _check_responses(drafts: list[_Draft], settings: Synthesize, ledger: Ledger) -> list[_Draft]:
    kept = []
    for draft in drafts:
        problem = (
            check_answer(draft.chosen)
            or check_answer(draft.rejected)
            or check_numbers(draft.chosen, draft.chunk.text, draft.prompt)
        )
        if problem:
            ledger.refuse(draft.chunk, "response", problem, *draft.texts)
            continue
        contrast = check_contrast(draft.chosen, draft.rejected, settings.max_length_ratio, MAX_SHARED_WORDS)
        if contrast:
            ledger.refuse(draft.chunk, "contrast", contrast, *draft.texts)
            continue
        kept.append(draft)
    return kept


def ask_evidence(
    pairs: Sequence[tuple[Chunk, str, str, str]], asks: TeacherRequests, teacher: JournaledEngine
) -> list[Evidence | None]:
    """Ask the teacher what speaks for Yes, of (chunk, scenario, response, its opposite) each."""
    answers = teacher.complete(
        [asks.verdict(chunk, prompt) for chunk, prompt, _, _ in pairs], "answers to scenarios"
    )
    truths = teacher.complete(
        [asks.support(chunk, response) for chunk, _, *responses in pairs for response in responses],
        "verification",
    )
    return [
        read_evidence(answer, first, second, response)
        for (_, _, response, _), answer, first, second in zip(
            pairs, answers, truths[::2], truths[1::2], strict=True
        )
    ]


def _verify(
    drafts: list[_Draft],
    asks: TeacherRequests,
    teacher: JournaledEngine,
    min_margin: float,
    ledger: Ledger,
) -> list[PreferencePair]:
    """Keep the pairs of which one side is shown to be the right one: that is the chosen one.

    Small teachers write "Yes, they may, because nobody may ..." and turn it into a right answer; such a pair
    is kept the other way round.
    """
    pairs = []
    found = ask_evidence([(draft.chunk, *draft.texts) for draft in drafts], asks, teacher)
    lean = lean_to_yes(found)
    for draft, evidence in zip(drafts, found, strict=True):
        chosen, rejected = draft.chosen, draft.rejected
        decision = decide_verification(evidence, lean, chosen, min_margin)
        if not decision.kept:
            chosen, rejected = rejected, chosen
            decision = decide_verification(evidence, lean, chosen, min_margin)
        if not decision.kept:
            reason = "no verdict" if decision.score is None else "neither response is shown to be right"
            ledger.refuse(draft.chunk, "verification", reason, *draft.texts)
            continue
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
