"""Whether an answer opens with a yes or a no."""

import re
from itertools import takewhile

from charter.evaluation.answer_language import AnswerLanguage
from charter.evaluation.answer_words import Words
from charter.project.exam_records import YesOrNo

_QUOTATION = re.compile(r'\s*(?:"[^"]*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|「[^」]*」)\s*(?=\S)')


def behind_quotation(answer: str) -> str:
    """Return what follows the quotation that an answer begins with; empty where there is none or no more."""
    quotation = _QUOTATION.match(answer)
    return answer[quotation.end() :] if quotation else ""


def read_verdict(answer: Words, question: Words, language: AnswerLanguage) -> YesOrNo | None:
    """Read yes or no from an answer's opening; None where it has none.

    What may stand before it is passed over, such as "The answer is". "You may." and "You may not ask her."
    open with a verdict too, where the question begins with "May": the first as it ends there, the second by
    its not.
    """
    if lead := language.leads.match(answer.text):
        size = len(lead[0].split())
        answer = Words(answer.words[size:], answer.clauses[size:])
    text = f"{answer.text} "
    if any(
        text.startswith(f"{phrase} ") and _stands_alone(answer, phrase, language) for phrase in language.no
    ):
        return "no"
    if any(text.startswith(f"{phrase} ") and _pauses(answer, phrase, language) for phrase in language.yes):
        return "yes"
    return _read_short_answer(answer, question, language)


def _stands_alone(answer: Words, phrase: str, language: AnswerLanguage) -> bool:
    """Say whether a pause or a pronoun follows: "No site may be left out" has another no."""
    size = len(phrase.split())
    if size > 1 or size == len(answer.words):
        return True
    return answer.clauses[size] != answer.clauses[size - 1] or answer.words[size] in language.pronouns


def _pauses(answer: Words, phrase: str, language: AnswerLanguage) -> bool:
    """Say whether a pause follows, if it means yes only then: "Si le cadeau ..." has another si."""
    size = len(phrase.split())
    if phrase not in language.paused or size == len(answer.words):
        return True
    return answer.clauses[size] != answer.clauses[size - 1]


def _read_short_answer(answer: Words, question: Words, language: AnswerLanguage) -> YesOrNo | None:
    asked = {
        word
        for place, word in enumerate(question.words)
        if word in language.auxiliaries
        and (language.asked_anywhere or place == 0 or question.clauses[place - 1] != question.clauses[place])
    }
    opening = answer.clause((0, 1)) if answer.words else range(0)
    for place in opening[:5]:
        if answer.words[place] not in asked:
            continue
        before, following = answer.words[:place], answer.words[place + 1 : opening.stop]
        near = takewhile(lambda word: word not in language.auxiliaries, following[: language.negator_reach])
        behind = next((size for size, word in enumerate(near, 1) if word in language.negators), None)
        if behind is not None or set(language.negators) & {*before}:
            # Behind the negator; where that stands before the verb, behind its own place.
            start = min(1, language.negator_reach) if behind is None else behind
            bounded = language.bounds & set(following[start : start + 3])
            return None if bounded or language.not_only & {*before, *following[: start + 1]} else "no"
        return None if following else "yes"
    return None
