"""Filters that look at the text of one draft. Words are those of `charter.documents.segmentation`."""

import re
import unicodedata
from dataclasses import dataclass

from charter.documents.segmentation import count_words, split_words
from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft
from charter.synthesis.languages import Language
from charter.synthesis.steps import TextCheck
from charter.synthesis.word_weights import stems

QUESTION_MARKS = tuple("?？؟፧⁇⸮")
"""Of Latin, Chinese, Arabic and Ethiopic writing, at a question's end."""
NO_ANSWER = "NOT ANSWERED"
"""What a teacher writes, in any language, where the passage has no answer."""

_QUESTION_ENDS = (*QUESTION_MARKS, "か。", "か")
"""Careful Japanese has no mark behind the particle that asks."""
_GREEK_ENDS = (";", "\u037e")
_ARMENIAN_MARK = "՞"
"""Within the word that asks."""
_SENTENCE_ENDS = (*".!。！।॥۔։።…．", *QUESTION_MARKS)
_CLOSING = "\"'”’»›」』)）]*"
_NUMERAL = re.compile(r"\d+(?:[.,٫٬]\d+)*")


@dataclass(frozen=True)
class QuestionForm(TextCheck):
    """Refuses what isn't one question of a sensible length: lists, headings, talk about the task."""

    name = "form"
    min_words: int
    max_words: int

    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        ends = (*_QUESTION_ENDS, *_GREEK_ENDS) if draft.chunk.language == "ell" else _QUESTION_ENDS
        if not draft.question.endswith(ends) and _ARMENIAN_MARK not in draft.question:
            return "doesn't end in a question mark"
        if sum(sign in QUESTION_MARKS for sign in draft.question) > 1:
            return "is more than one question"
        return length_problem(draft.question, self.min_words, self.max_words)


@dataclass(frozen=True)
class SituationForm(TextCheck):
    """Refuses situations too short to decide anything by, or too long for a person to tell."""

    name = "form"
    min_words: int
    max_words: int

    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        return length_problem(draft.question, self.min_words, self.max_words)


class Mention(TextCheck):
    """Refuses texts that speak of 'the passage' or an article's number: their readers have no passage."""

    name = "mention"
    patterns = ("mention",)

    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        found = map(language.mention.search, (draft.question, draft.answer, draft.rejected))
        mention = next(filter(None, found), None)
        return f"mentions {mention.group(0)!r}" if mention else None


class Dangling(TextCheck):
    """Refuses questions with 'it', 'they' or 'this right' that nothing before them explains."""

    name = "dangling"
    patterns = ("dangling",)

    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        found = language.dangling.search(draft.question)
        return f"{found.group(0)!r} has nothing to refer to" if found else None


class YesOrNo(TextCheck):
    """Refuses scenarios that aren't answered with yes or no, or not about what is allowed.

    One that asks whether something may be denied is refused too: a small teacher answers it as if it asked
    whether the thing itself may be done.
    """

    name = "yes-or-no"
    patterns = ("yes_or_no", "turned_round", "asks_norm")

    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        if not language.yes_or_no.search(draft.question):
            return "isn't answered with yes or no"
        if turned := language.turned_round.search(draft.question):
            return f"{turned.group(1)!r} turns its answer round"
        asks = language.asks_norm.search(draft.question)
        return None if asks else "doesn't ask what is allowed, required or forbidden"


class HasRule(TextCheck):
    """Refuses situations of passages in which no sentence is a rule by itself."""

    name = "rule"

    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        return None if draft.rule else "no sentence of the chunk is a rule by itself"


class AsksDuty(TextCheck):
    """Refuses scenarios that ask for a duty where the rule states none.

    "Must a person return to their country?" of a right to return: a small teacher says Yes.
    """

    name = "duty"
    patterns = ("asks_duty", "duty")

    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        if language.asks_duty.search(draft.question) and not language.duty.search(draft.rule):
            return f"asks for a duty, and this states none: {draft.rule}"
        return None


@dataclass(frozen=True)
class AnswerForm(TextCheck):
    """Refuses answers that are no sentence, or say that there is no answer."""

    name = "answer"
    max_words: int

    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        if language.unanswered.search(draft.answer) or NO_ANSWER in draft.answer:
            return "says that the passage doesn't answer"
        return sentence_problem(draft.answer, self.max_words)


class NamesTime(TextCheck):
    """Refuses answers without a time where the question asks for one: a small teacher says to whom."""

    name = "time"
    patterns = ("asks_time", "time")

    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        return "names no time" if _lacks(draft, language.asks_time, language.time) else None


class GivesReason(TextCheck):
    """Refuses answers without a reason where the question asks for one: a small teacher repeats the rule."""

    name = "reason"
    patterns = ("asks_reason", "reason")

    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        return "gives no reason" if _lacks(draft, language.asks_reason, language.reason) else None


class Numbers(TextCheck):
    """Refuses answers with a number that neither the passage, the question nor the document's title has."""

    name = "numbers"

    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        known = numbers("\n".join((context.title, draft.chunk.text, draft.question)), language)
        unknown = sorted(numbers(draft.answer, language) - known)
        return f"has {', '.join(unknown)}, which the passage hasn't" if unknown else None


@dataclass(frozen=True)
class Grounded(TextCheck):
    """Refuses answers that say more in other words than the passage's: a small teacher makes those up."""

    name = "grounding"
    min_share: float
    """Of an answer's words, by weight, that the passage has."""

    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        share = context.word_weights.share(draft.answer, stems(draft.chunk.text))
        if share < self.min_share:
            return f"has only {share:.0%} of its words, by weight, from the passage"
        return None


@dataclass(frozen=True)
class Contrast(TextCheck):
    """Refuses a rule and its opposite, or two responses, that are one text or told apart by length."""

    name = "contrast"
    max_words: int
    max_ratio: float
    """Of the characters of the longer to those of the shorter."""

    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        good, bad = draft.sides
        if problem := sentence_problem(bad, self.max_words) or sentence_problem(good, self.max_words):
            return problem
        if split_words(good) == split_words(bad):
            return "both are the same text"
        shorter, longer = sorted((len(good), len(bad)))
        if longer > self.max_ratio * shorter:
            return f"one is {longer / shorter:.1f} times as long as the other"
        return None


def sentence_problem(text: str, max_words: int) -> str | None:
    """Return why a text isn't at least one whole sentence of at most so many words, or None."""
    if not text:
        return "is empty"
    if not text.rstrip(_CLOSING).endswith(_SENTENCE_ENDS):
        return "doesn't end as a sentence"
    return length_problem(text, 1, max_words)


def _lacks(draft: Draft, asks: re.Pattern[str], given: re.Pattern[str]) -> bool:
    """Return whether a question asks for what its answer, or the rule that answers it, hasn't."""
    return bool(asks.search(draft.question)) and not given.search(draft.answer or draft.rule)


def length_problem(text: str, min_words: int, max_words: int) -> str | None:
    """Return why a text is too short or too long, or None."""
    words = count_words(text)
    return None if min_words <= words <= max_words else f"has {words} words, not {min_words} to {max_words}"


def numbers(text: str, language: Language) -> set[str]:
    """Return the numbers of a text, in digits of any script, and those from two on that it spells out."""
    plain = "".join(str(unicodedata.decimal(sign, sign)) for sign in text)
    words = set(split_words(text))
    written = {str(value) for value, word in enumerate(language.written_numbers, start=2) if word in words}
    return written | {re.sub(r"[,٬]", "", found) for found in _NUMERAL.findall(plain)}
