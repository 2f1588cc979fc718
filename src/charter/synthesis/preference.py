"""Preference pairs: a scenario, a response that follows the document and one that goes against it.

A small teacher stays nice when asked for a bad response, and gives wrong reasons for right ones. So it writes
neither. The faithful response is Yes or No and the rule that decides, word for word as the document has it;
the unfaithful one is the other word and the opposite of that rule, which the teacher writes. What a
teacher is asked for beyond that is one word: the answer by the passage, by the rule alone and by its
opposite. A pair is kept where these show that the rule decides the scenario, and how.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from charter.generation.journal import JournaledEngine
from charter.generation.verdict import choice_probability
from charter.project.params import Synthesize
from charter.project.records import Chunk, PreferencePair, Rejected, content_id
from charter.retrieval.encoder import Encoder
from charter.synthesis.decisions import Evidence, decide_verification, measure_yes_bias, read_evidence
from charter.synthesis.filters import check_answer, check_contrast, check_scenario
from charter.synthesis.ledger import Ledger
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.rules import check_duty, find_rules

STANCES = (
    "something may be done that this passage forbids or protects people from. Each tells a practical "
    "situation and is answered with no.",
    "something may or must be done that this passage allows or requires. Each tells a practical situation "
    "and is answered with yes.",
)
"""What scenarios ask for, each completing "questions that ask whether"; a chunk's id says which is its own.

Asked for both at once, or for questions of a given person, a small teacher leaves the passage's subject.
"""


@dataclass(frozen=True)
class PreferenceData:
    """What was kept, what was refused, how many pairs were tried, and the chunks without values."""

    pairs: list[PreferencePair]
    rejected: list[Rejected]
    requested: int
    chunks_without_value: int


@dataclass(frozen=True)
class Draft:
    """A scenario about a chunk, the rule of it that may decide, and that rule's opposite."""

    chunk: Chunk
    prompt: str
    rule: str = ""
    opposite: str = ""

    def responses(self, word: str) -> tuple[str, str]:
        """Return the faithful and the unfaithful response where ``word``, Yes or No, is the right answer."""
        other = "No" if word == "Yes" else "Yes"
        return f"{word}. {self.rule}", f"{other}. {self.opposite}"


def write_preference_data(
    chunks: Sequence[Chunk],
    asks: TeacherRequests,
    teacher: JournaledEngine,
    encoder: Encoder,
    settings: Synthesize,
    seed: int,
) -> PreferenceData:
    """Ask the teacher for scenarios about each chunk that states a value, and make both responses to them.

    Filters, in order: ``value`` of the chunk; format of the ``scenario``; its ``subject``, to which few
    other chunks are nearer; ``duplicate``; ``rule``, where no sentence of the chunk can decide it;
    ``contrast`` of the rule and its opposite (another text, of like length); and ``verification``: one
    word is shown to be the right one, by min_preference_margin (`decide_verification`).
    """
    ledger = Ledger("preference")
    with_value = _check_values(chunks, asks, teacher, ledger)
    with_value = _choose(with_value, settings.max_scenarios // settings.scenarios_per_chunk)
    drafts = _write_scenarios(with_value, asks, teacher, settings, seed, ledger)
    drafts = ledger.on_subject(drafts, [draft.prompt for draft in drafts], chunks, encoder)
    drafts = ledger.without_duplicates(
        drafts, [draft.prompt for draft in drafts], encoder, settings.max_question_similarity
    )
    drafts = _with_rules(drafts, encoder, ledger)
    drafts = write_opposites(drafts, asks, teacher)
    drafts = check_contrasts(drafts, settings.max_length_ratio, ledger)
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
) -> list[Draft]:
    count = settings.scenarios_per_chunk
    calls = [
        asks.scenarios(chunk, STANCES[int(chunk.id, 16) % len(STANCES)], count, seed) for chunk in chunks
    ]
    completions = teacher.complete(calls, "scenarios")
    return [
        Draft(chunk, text)
        for chunk, completion in zip(chunks, completions, strict=True)
        for text in ledger.accept_questions(chunk, completion.text, count, "scenario", check_scenario)
    ]


def _with_rules(drafts: list[Draft], encoder: Encoder, ledger: Ledger) -> list[Draft]:
    found = find_rules([draft.prompt for draft in drafts], [draft.chunk for draft in drafts], encoder)
    kept = []
    for draft, rule in zip(drafts, found, strict=True):
        if rule is None:
            ledger.refuse(draft.chunk, "rule", "no sentence of the chunk is a rule by itself", draft.prompt)
        elif problem := check_duty(draft.prompt, rule):
            ledger.refuse(draft.chunk, "rule", problem, draft.prompt)
        else:
            kept.append(replace(draft, rule=rule))
    return kept


def write_opposites(drafts: Sequence[Draft], asks: TeacherRequests, teacher: JournaledEngine) -> list[Draft]:
    """Ask the teacher for the opposite of each rule; scenarios of one rule share it."""
    rules = list(dict.fromkeys(draft.rule for draft in drafts))
    completions = teacher.complete([asks.opposite_rule(rule) for rule in rules], "opposite rules")
    opposites = {rule: completion.text.strip() for rule, completion in zip(rules, completions, strict=True)}
    return [replace(draft, opposite=opposites[draft.rule]) for draft in drafts]


def check_contrasts(drafts: Sequence[Draft], max_length_ratio: float, ledger: Ledger) -> list[Draft]:
    """Refuse, as ``contrast``, the drafts whose opposite is no sentence, the rule, or of unlike length."""
    kept = []
    for draft in drafts:
        problem = check_answer(draft.opposite) or check_contrast(draft.rule, draft.opposite, max_length_ratio)
        if problem:
            ledger.refuse(draft.chunk, "contrast", problem, draft.prompt, draft.rule, draft.opposite)
        else:
            kept.append(draft)
    return kept


def ask_evidence(
    drafts: Sequence[Draft], asks: TeacherRequests, teacher: JournaledEngine
) -> list[Evidence | None]:
    """Ask the teacher for the answer to each scenario by the chunk, by its rule and by the opposite."""
    by_passage = teacher.complete(
        [asks.verdict(draft.chunk, draft.prompt) for draft in drafts], "answers by the passage"
    )
    by_rule = teacher.complete(
        [
            asks.verdict(draft.chunk, draft.prompt, rule)
            for draft in drafts
            for rule in (draft.rule, draft.opposite)
        ],
        "answers by the rule",
    )
    return [
        read_evidence(*verdicts) for verdicts in zip(by_passage, by_rule[::2], by_rule[1::2], strict=True)
    ]


def _verify(
    drafts: list[Draft],
    asks: TeacherRequests,
    teacher: JournaledEngine,
    min_margin: float,
    ledger: Ledger,
) -> list[PreferencePair]:
    """Keep the pairs of which one word is shown to be the right answer."""
    pairs = []
    found = ask_evidence(drafts, asks, teacher)
    bias = measure_yes_bias(found)
    for draft, evidence in zip(drafts, found, strict=True):
        word = next(
            (word for word in ("Yes", "No") if decide_verification(evidence, bias, word, min_margin).kept),
            None,
        )
        if word is None:
            reason = "no verdict" if evidence is None else "neither Yes nor No is shown to be right"
            ledger.refuse(draft.chunk, "verification", reason, draft.prompt, draft.rule, draft.opposite)
            continue
        chosen, rejected = draft.responses(word)
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
