"""Steps that choose what is asked about, and that have the teacher write: questions, answers, opposites."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from charter.generation.engine import CUT_OFF
from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.languages import language_of
from charter.synthesis.steps import Change, Step, ask_teacher
from charter.synthesis.text_filters import QUESTION_MARKS

_NUMBERING = re.compile(
    r"^\W*(?:\d+(?:\.\d+)+(?=\s)|\(?\d+(?:\.\d+)*[.):、．]|[-*•]|Q(?:uestion)?\s*\d*[:.])[\s*]*",
    re.IGNORECASE,
)
"""Of a list, and of a paragraph, which some teachers put before what they ask about it."""
_FIRST_QUESTION = re.compile(rf".*?[{''.join(QUESTION_MARKS)}](?=\s|¿|$|(?<=？))")
"""The mark of a question that is quoted within one has no blank behind it; Chinese has none anywhere."""
_EMPHASIS = '"*_“”„«»「」 '


class EachRule(Step):
    """Takes each rule of the register, one by one."""

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return a draft for each rule of the drafts' passages."""
        of_chunk = {draft.chunk.id: draft for draft in drafts}
        return [
            replace(of_chunk[rule.chunk_id], rule=rule.statement, style="rule")
            for rule in context.rules
            if rule.chunk_id in of_chunk
        ]


@dataclass(frozen=True)
class InStyles(Step):
    """Asks in several styles, about a long document in fewer, but one.

    Where a draft starts in the styles depends on it alone: amending a passage changes nothing for others.
    """

    styles: Sequence[str]
    most: int = 0
    """Drafts in all."""

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return the drafts, style by style."""
        count = len(self.styles)
        turns = max(1, min(count, self.most // max(1, len(drafts))))
        return [
            replace(draft, style=self.styles[(int(draft.key, 16) + turn) % count])
            for turn in range(turns)
            for draft in drafts
        ]


@dataclass(frozen=True)
class Choose(Step):
    """Takes as many as the parameters allow, by a hash: if one is amended, the others' places stay.

    With ``norms_first`` rules that allow, demand or forbid something, by the words of their language, come
    before others: there are more values in them. Not all do it by such words: "Hands are washed."
    """

    most: int
    norms_first: bool = False

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return the chosen drafts in their order."""
        last = {
            draft.key: self.norms_first and not language_of(draft.chunk).states_norm(draft.rule)
            for draft in drafts
        }
        chosen = set(sorted(last, key=lambda key: (last[key], key))[: self.most])
        return [draft for draft in drafts if draft.key in chosen]


@dataclass(frozen=True)
class WriteQuestions(Step):
    """Asks for questions or situations, one a line, sampled."""

    prompt: str
    styles: Mapping[str, str]
    count: int
    """Of a call."""
    max_tokens: int
    """Of a question."""
    purpose: str = ""
    """What the asking is called, where it isn't as the prompt."""

    def __call__(
        self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger, turn: int = 0
    ) -> list[Draft]:
        """Return a draft for each line of each reply; one that was cut off loses its last line.

        ``turn`` moves the seed, for who asks again.
        """
        ledger.requested += len(drafts) * self.count
        requests = [
            context.sample(
                self.prompt,
                draft.chunk,
                max_tokens=self.max_tokens * self.count,
                turn=turn,
                count=self.count,
                style=self.styles[draft.style],
                rule=draft.rule,
            )
            for draft in drafts
        ]
        completions = context.teacher.complete(requests, self.purpose or self.prompt.replace("_", " "))
        written = []
        for draft, completion in zip(drafts, completions, strict=True):
            lines = split_lines(completion.text, language_of(draft.chunk).attribution)
            if completion.problem == CUT_OFF:
                lines = lines[:-1]
            if completion.problem and (completion.problem != CUT_OFF or not lines):
                ledger.refuse(draft, "reply", completion.problem)
            else:
                written += [replace(draft, question=line) for line in lines]
        return written


class FirstQuestion(Change):
    """Takes the first question where a teacher wrote several in a line: later ones lean on it."""

    def _change(self, draft: Draft) -> Draft:
        first = _FIRST_QUESTION.match(draft.question)
        return replace(draft, question=first.group()) if first else draft


@dataclass(frozen=True)
class AtMost(Step):
    """Takes as many questions of a call as it asked for: small teachers sometimes write a dozen."""

    count: int

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return the first of each passage, style and rule."""
        seen: Counter[tuple[str, str, str]] = Counter()
        kept = []
        for draft in drafts:
            call = (draft.chunk.id, draft.style, draft.rule)
            seen[call] += 1
            if seen[call] <= self.count:
                kept.append(draft)
        return kept


@dataclass(frozen=True)
class WriteAnswers(Step):
    """Asks for the answer to each question by the passage, greedily."""

    prompt: str
    max_tokens: int

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return the drafts with their answers."""
        requests = [
            context.request(self.prompt, draft.chunk, max_tokens=self.max_tokens, question=draft.question)
            for draft in drafts
        ]
        return [
            replace(draft, answer=language_of(draft.chunk).without_citation(text))
            for draft, text in ask_teacher(drafts, requests, "answers", context, ledger)
        ]


@dataclass(frozen=True)
class WriteOpposites(Step):
    """Asks for the opposite of each rule, in its tone and length."""

    max_tokens: int

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return the drafts with their opposites; those of one rule share it."""
        requests = [
            context.request("opposite_rule", draft.chunk, max_tokens=self.max_tokens, rule=draft.rule)
            for draft in drafts
        ]
        answered = ask_teacher(drafts, requests, "opposite rules", context, ledger)
        return [replace(draft, opposite=text) for draft, text in answered]


def split_lines(text: str, attribution: re.Pattern[str]) -> list[str]:
    """Return what the lines of a list ask or tell, without list marks, emphasis, and who says it."""
    found = []
    for line in text.splitlines():
        told = _NUMBERING.sub("", line).strip(_EMPHASIS)
        if quoted := attribution.search(told):
            told = told[quoted.end() :]
        # What stands behind the last question mark is an answer that nobody asked for.
        end = max(told.rfind(mark) for mark in QUESTION_MARKS)
        told = " ".join(told[: end + 1 or None].split()).strip(_EMPHASIS)
        if told:
            found.append(told)
    return found
