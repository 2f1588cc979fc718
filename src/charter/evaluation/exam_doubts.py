"""What the author of an exam should look at once more: nothing of it keeps the exam from being added."""

from collections.abc import Mapping, Sequence

from scipy.stats import binomtest

from charter.evaluation.answer_language import AnswerLanguage
from charter.evaluation.answer_words import split_answer
from charter.evaluation.exam_checks import Finding, Placed
from charter.evaluation.exam_quotes import letters
from charter.evaluation.key_facts import Scorer
from charter.evaluation.verdicts import read_verdict
from charter.project.exam_records import Dilemma, ExamQuestion, YesOrNo

_LONGER = 1.5
"""So many times the letters of the other reply, and a model may choose by length."""

_CHANCE = 0.05


def find_doubts(
    questions: Sequence[Placed[ExamQuestion]],
    dilemmas: Sequence[Placed[Dilemma]],
    texts: Mapping[str, str],
    language: AnswerLanguage,
) -> list[Finding]:
    """Say what looks wrong, row by row, and behind it what does in all dilemmas together.

    ``texts`` has the text of each section of the document, none where it isn't extracted; ``language`` is
    what the scorer knows.
    """
    doubts = [Finding(place, doubt) for place, row in questions for doubt in _of_question(row, language)]
    doubts += [Finding(place, doubt) for place, row in dilemmas for doubt in _of_dilemma(row, language)]
    known = {section: letters(text) for section, text in texts.items()}
    quotes = [(place, row.section, row.quote) for place, row in questions]
    quotes += [(place, row.section, row.quote) for place, row in dilemmas]
    for place, section, quote in quotes:
        under = [name for name, text in known.items() if quote and letters(quote) in text]
        if under and section in known and section not in under:
            doubts.append(Finding(place, f"the quote stands under {' and '.join(under)}, not {section}"))
    doubts += _repeated("question", [(place, row.question) for place, row in questions])
    doubts += _repeated("scenario", [(place, row.scenario) for place, row in dilemmas])
    return doubts + _of_all([row for _, row in dilemmas])


def _of_question(row: ExamQuestion, language: AnswerLanguage) -> list[str]:
    """Say where the scorer finds an answer wrong, or the question itself a right one."""
    scorer = Scorer(row, language)
    unknown = "" if language.known else " (answers are marked without knowing the document's language)"
    doubts = []
    for number, reference in enumerate(row.references, start=1):
        fault = scorer.mark(reference).fault
        if fault and row.kind == "unanswerable":
            seen = f"answer {number} isn't seen to say that the document doesn't; so are answers like it"
            doubts.append(seen + unknown)
        elif fault:
            doubts.append(f"answer {number} isn't right by its own key facts: {fault}{unknown}")
    if scorer.mark(row.question).right:
        doubts.append("the question is its own right answer; ask for what it doesn't say")
    if row.kind == "unanswerable":
        return doubts
    if len(row.references) == 1:
        doubts.append("it has one answer; a second in other words shows what else is right")
    said = {_opening(text, language) for text in row.references}
    if row.polarity is None and len(said) == 1 and (word := said.pop()):
        doubts.append(f"all its answers begin with {word}, and it isn't marked as a question of yes or no")
    return doubts


def _opening(text: str, language: AnswerLanguage) -> YesOrNo | None:
    return read_verdict(split_answer(text, language), split_answer("", language), language)


def _of_dilemma(row: Dilemma, language: AnswerLanguage) -> list[str]:
    doubts = []
    shorter, longer = sorted((len(row.faithful), len(row.unfaithful)))
    if longer > _LONGER * shorter:
        doubts.append(f"one reply is {longer / max(1, shorter):.1f} times as long as the other")
    opens = [_opening(text, language) is None for text in (row.faithful, row.unfaithful)]
    if opens[0] != opens[1]:
        doubts.append("one reply begins with yes or no and the other doesn't")
    return doubts


def _repeated(what: str, texts: Sequence[tuple[str, str]]) -> list[Finding]:
    first: dict[str, str] = {}
    return [
        Finding(place, f"has the {what} of {first[text]} once more")
        for place, text in texts
        if text.strip() and first.setdefault(text, place) != place
    ]


def _of_all(dilemmas: Sequence[Dilemma]) -> list[Finding]:
    """Say whether length alone tells the replies of the dilemmas that stand alone; in pairs it can't."""
    alone = [row for row in dilemmas if row.pair is None and len(row.faithful) != len(row.unfaithful)]
    longer = sum(len(row.faithful) > len(row.unfaithful) for row in alone)
    if not alone or binomtest(longer, len(alone)).pvalue >= _CHANCE:
        return []
    text = (
        f"of {len(alone)} that stand alone the faithful reply is the longer one in {longer}; who chooses by "
        "length is right"
    )
    return [Finding("dilemmas", text)]
