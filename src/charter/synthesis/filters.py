"""Filters on generated text: each returns None, or why the text is refused."""

import re

from charter.documents.segmentation import split_words
from charter.synthesis.languages import load_language
from charter.synthesis.word_weights import WordWeights, stems

_EN = load_language("en")
_NUMBERING = re.compile(r"^\W*(?:\(?\d+[.):]|[-*•]|Q(?:uestion)?\s*\d*[:.])[\s*]*", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_NUMERAL = re.compile(r"\d+(?:[.,]\d+)*")

MIN_GROUNDED = 0.6
"""Chosen on the 60 answers of data/labelled/kept.jsonl as they were then: below it are four of the ten that
their passage doesn't wholly support, and two of the fifty others."""
MAX_QUESTION_WORDS = 60
MAX_ANSWER_WORDS = 60


def extract_question(line: str) -> str:
    """Return what a line asks, without list marker, emphasis, who asks, quotes and an answer that follows."""
    text = _NUMBERING.sub("", line).strip().strip('"*').strip()
    quoted = _EN.attribution.search(text)
    asked = text[quoted.end() :] if quoted else text
    end = asked.rfind("?")
    return " ".join(asked[: end + 1 or None].split()).strip('"*').strip()


def split_questions(text: str) -> list[str]:
    """Return the questions of a list, one a line."""
    return [question for line in text.splitlines() if (question := extract_question(line))]


def check_question(question: str) -> str | None:
    """Refuse what is no question, or one that only a reader of the passage understands."""
    words = len(question.split())
    if not question.endswith("?"):
        return "doesn't end in a question mark"
    if question.count("?") > 1:
        return "is more than one question"
    if not 4 <= words <= MAX_QUESTION_WORDS:
        return f"has {words} words, not 4 to {MAX_QUESTION_WORDS}"
    if problem := check_mention(question):
        return problem
    dangling = _EN.dangling.search(question)
    return f"{dangling.group(0)!r} has nothing to refer to" if dangling else None


def check_scenario(question: str) -> str | None:
    """Refuse as `check_question` does, and what isn't asked for yes or no, or not about what is allowed.

    So is what asks whether something may be denied or forbidden: a small teacher answers it as if it asked
    whether the thing itself may be done.
    """
    if problem := check_question(question):
        return problem
    if not _EN.yes_or_no.search(question):
        return "isn't answered with yes or no"
    if turned := _EN.turned_round.search(question):
        return f"{turned.group(1)!r} turns its answer round"
    return None if _EN.asks_norm.search(question) else "doesn't ask what is allowed, required or forbidden"


def check_mention(text: str) -> str | None:
    """Refuse text that speaks of the passage itself."""
    found = _EN.mention.search(text)
    return f"mentions {found.group(0)!r}" if found else None


def check_answer(answer: str) -> str | None:
    """Refuse an answer that is empty, doesn't answer, is cut off or speaks of the passage."""
    if not answer:
        return "is empty"
    if _EN.unanswered.search(answer):
        return "says that the passage doesn't answer"
    if answer[-1] not in ".!?\"'":
        return "doesn't end as a sentence"
    words = len(answer.split())
    if words > MAX_ANSWER_WORDS:
        return f"has {words} words, more than {MAX_ANSWER_WORDS}"
    return check_mention(answer)


def check_time(question: str, answer: str) -> str | None:
    """Refuse an answer that names no time where the question asks for one.

    Asked when a right applies, a small teacher says to whom.
    """
    return "names no time" if _EN.asks_time.search(question) and not _EN.time.search(answer) else None


def check_numbers(answer: str, *sources: str) -> str | None:
    """Refuse an answer with a number that none of its sources, the passage and the question, has."""
    known = set().union(*map(_numbers, sources))
    unknown = sorted(_numbers(answer) - known)
    return f"has {', '.join(unknown)}, which the passage hasn't" if unknown else None


def check_grounding(answer: str, passage: str, weights: WordWeights) -> str | None:
    """Refuse an answer that says in other words than the passage's more than it says in these.

    A small teacher that doesn't find the answer in the passage makes one up, in words of its own.
    """
    share = weights.share(answer, stems(passage))
    if share < MIN_GROUNDED:
        return f"has only {share:.0%} of its words, by weight, from the passage"
    return None


def _numbers(text: str) -> set[str]:
    numerals = {found.replace(",", "") for found in _NUMERAL.findall(text)}
    words = set(_WORD.findall(text.lower()))
    return numerals | {str(value) for value, word in enumerate(_EN.written_numbers, start=2) if word in words}


def without_citation(answer: str) -> str:
    """Return an answer that states its rule, where it said which passage states it.

    "No, it isn't. The passage says that R." becomes "No, it isn't, because R.", and "Yes, it is, as stated in
    Article 9 of the Declaration." becomes "Yes, it is.".
    """
    stated = _EN.cited_reason.sub(", because ", answer)
    for citation in (_EN.cited_behind, _EN.cited_before):
        stated = citation.sub("", stated)
    return stated[:1].upper() + stated[1:]


def answer_word(response: str) -> str | None:
    """Return the Yes or No that a response begins with, None where it begins with neither."""
    word = re.match(r"(?:Yes|No)\b", response)
    return word.group(0) if word else None


def check_contrast(rule: str, opposite: str, max_length_ratio: float) -> str | None:
    """Refuse a rule and its opposite that are the same text, or told apart by length."""
    if split_words(rule) == split_words(opposite):
        return "the opposite rule is the rule"
    shorter, longer = sorted((len(rule), len(opposite)))
    if longer > max_length_ratio * shorter:
        return f"one is {longer / shorter:.1f} times as long as the other"
    return None
