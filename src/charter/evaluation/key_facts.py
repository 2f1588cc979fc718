"""Whether an answer to a question of the exam is right, by rules alone: no model judges.

A right answer holds every key fact, says nothing that it must not say, and doesn't contradict the question's
yes or no. A fact isn't held where its clause denies it ("not within 30 days") while no reference does, nor
where it is one of several that the answer leaves open ("10 or 20 days"). A bare "Yes." or "No." isn't right:
a coin has as many. Where a key fact may be the word yes or no itself, a right verdict holds it, but the
answer must also have a word of the reason. The yes or no that was read is part of the mark. Where an answer
quotes first and goes on in its own words, these must hold the facts, since what is concluded from the right
rule can be wrong; only the reason of a yes or no may be in the quotation. How often these rules agree with
people is in docs/evaluation.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from charter.evaluation.answer_language import AnswerLanguage
from charter.evaluation.answer_words import Span, Words, split_answer
from charter.evaluation.verdicts import behind_quotation, read_verdict
from charter.project.exam_records import ExamQuestion, YesOrNo
from charter.project.records import DIVISIONS

Fault = Literal[
    "misses a fact",
    "says what it must not",
    "wrong verdict",
    "verdict alone",
    "denies a fact",
    "leaves it open",
    "doesn't answer",
    "makes it up",
]
"""What is wrong with an answer. ``doesn't answer``: it says that the document doesn't, where it does."""

_READ = 50
"""Words in which an answer must have come to the facts: who reads out the whole section holds all of them."""

_NEAR = 3
"""Words on either side of "or" that may be another answer."""

_STEM = 4
"""Letters in which words of one kind agree."""


@dataclass(frozen=True)
class Mark:
    """The mark of an answer: right, or what is wrong with it; and its yes or no, if that was asked for."""

    fault: Fault | None
    verdict: YesOrNo | None = None

    @property
    def right(self) -> bool:
        """Whether it is right; of a question that the document doesn't answer: whether it says so."""
        return self.fault is None


@dataclass(frozen=True)
class Scorer:
    """Marks answers to one question of the exam."""

    question: ExamQuestion
    language: AnswerLanguage

    def mark(self, answer: str) -> Mark:
        """Mark one answer."""
        words = self._split(answer)
        if self.question.kind == "unanswerable":
            return Mark(self._made_up(words))
        own = self._split(behind_quotation(answer))
        verdict = self._verdict(words, own)
        # A quotation may give the reason of a yes or no; whatever else is asked, one's own words must answer.
        marked = own if own.words and not verdict else words
        return Mark(self._fault(marked, verdict), verdict)

    def _verdict(self, *openings: Words) -> YesOrNo | None:
        """Return the first yes or no that is read, where the question asks for one."""
        if self.question.polarity is None:
            return None
        read = (read_verdict(words, self._asked, self.language) for words in openings)
        return next(filter(None, read), None)

    def _fault(self, answer: Words, verdict: YesOrNo | None) -> Fault | None:
        polarity = self.question.polarity
        if self._says_forbidden(answer):
            return "says what it must not"
        if polarity and verdict and verdict != polarity:
            return "wrong verdict"
        held: list[Span] = []
        for fact in self._facts:
            spans = [span for phrase in fact for span in self._places(answer, phrase)]
            if not spans and not self._held_by_verdict(answer, fact, verdict):
                return "doesn't answer" if self._unanswered(answer) else "misses a fact"
            kept = [span for span in spans if not self._denied(answer, span, fact)]
            if spans and not kept:
                return "denies a fact"
            held += kept
        if any(self._left_open(answer, span) for span in held) or self._hedges(answer):
            return "leaves it open"
        if polarity and not self._gives_reason(answer):
            return "verdict alone"
        return None

    def _places(self, answer: Words, phrase: tuple[str, ...]) -> list[Span]:
        """Return where a fact stands; its yes or no isn't looked for, as "no" is in many a sentence."""
        return [
            span
            for span in answer.find(phrase)
            if answer.length(span[1]) <= _READ
            and not self._is_verdict(phrase)
            and not self._in_another_unit(answer, span)
        ]

    def _made_up(self, answer: Words) -> Fault | None:
        """Say whether an answer to what the document doesn't answer says so, and adds nothing of its own."""
        if self._says_forbidden(answer) or self._own_numbers(answer) or not self._unanswered(answer):
            return "makes it up"
        return None

    def _own_numbers(self, answer: Words) -> list[str]:
        """Return numbers that nothing known of the question has; none is a name, as in "Article 4"."""
        return [
            word
            for place, word in enumerate(answer.words)
            if word[0].isdigit()
            and word not in {*self._known, "0", "1"}  # "no one" has a number too
            and answer.words[max(0, place - 1)] not in {*DIVISIONS.split("|"), *self.language.divisions}
        ]

    def _says_forbidden(self, answer: Words) -> bool:
        """Say whether it says what it must not, other than by denying it: "not 30 but 60 days"."""
        denials = [end for _, end in self._negators(answer)]
        return any(
            not any(end <= start <= end + 1 for end in denials)
            for phrase in self._forbidden
            for start, _ in answer.find(phrase)
        )

    def _denied(self, answer: Words, span: Span, fact: Sequence[tuple[str, ...]]) -> bool:
        """Say whether the clause of a fact denies it, unless a reference's clause does so too."""
        if all(self._is_bound(answer, negator) for negator in self._negators_around(answer, span)):
            return False
        return not any(
            self._negators_around(reference, place)
            for reference in self._references
            for phrase in fact
            for place in reference.find(phrase)
        )

    def _is_bound(self, answer: Words, negator: Span) -> bool:
        """Say whether a negator sets a bound: "not later than", "ne dépasse pas"."""
        start, end = negator
        before = answer.words[answer.clause(negator).start : start]
        behind = answer.words[end : end + self.language.bound_reach]
        return bool(self.language.bounds & {*behind} or self.language.bounds_before & {*before})

    def _negators_around(self, text: Words, span: Span) -> list[Span]:
        """The negators in the clause of a fact, without those of the fact itself, as in "no site"."""
        clause = text.clause(span)
        return [
            place
            for place in self._negators(text)
            if place[0] in clause and not span[0] <= place[0] < span[1]
        ]

    def _negators(self, text: Words) -> Iterable[Span]:
        for phrase in self._negating:
            yield from text.find(phrase)

    def _in_another_unit(self, answer: Words, span: Span) -> bool:
        """Say whether it is a number of something else: "45 weeks" where the question asks for days."""
        if not answer.words[span[1] - 1].isdigit():
            return False
        named = self.language.units.intersection(answer.words[span[1] : span[1] + 2])
        return bool(named) and not named & self._known

    def _left_open(self, answer: Words, span: Span) -> bool:
        """Say whether a held fact is one of several alternatives that neither references nor quote have."""
        numeric = any(word[0].isdigit() for word in answer.words[span[0] : span[1]])
        if numeric and _enumerated(answer, span, self.language) - self._expected:
            return True
        clause = answer.clause(span)
        before = range(max(clause.start, span[0] - _NEAR + 1), span[0])
        joined = [place for place in before if answer.words[place] in self.language.alternatives]
        sides = [range(max(clause.start, place - _NEAR), place) for place in joined]
        if span[1] in clause and answer.words[span[1]] in self.language.alternatives:
            sides.append(range(span[1] + 1, min(clause.stop, span[1] + 1 + _NEAR)))
        # Who reads out "sickness, disability or old age" leaves nothing open: the document has that "or".
        told = self._known | self._quoted | self.language.empty
        return any(answer.words[place] not in told for side in sides for place in side)

    def _hedges(self, answer: Words) -> bool:
        sources = (self._asked, *self._references)
        hedged = self.language.hedges.search(answer.text)
        return bool(hedged) and not any(self.language.hedges.search(text.text) for text in sources)

    def _gives_reason(self, answer: Words) -> bool:
        """Say whether it has a word of the reference or of the document that the question hasn't."""
        own = set(answer.words) - set(self._asked.words) - self.language.empty
        return any(_akin(word, other) for word in own for other in self._reasons)

    def _unanswered(self, answer: Words) -> bool:
        return bool(self.language.unanswered.search(answer.text))

    def _held_by_verdict(
        self, answer: Words, fact: Sequence[tuple[str, ...]], verdict: YesOrNo | None
    ) -> bool:
        """Say whether a fact that may be yes or no is held by the answer's verdict, or its first word."""
        right = verdict is not None and verdict == self.question.polarity
        return any(self._is_verdict(phrase) and (right or answer.words[:1] == phrase) for phrase in fact)

    def _is_verdict(self, phrase: tuple[str, ...]) -> bool:
        """Say whether it is the yes or no that the question has for an answer."""
        verdicts = {"yes": self.language.yes, "no": self.language.no, None: ()}
        return " ".join(phrase) in verdicts[self.question.polarity]

    def _split(self, text: str) -> Words:
        return split_answer(text, self.language)

    @cached_property
    def _asked(self) -> Words:
        return self._split(self.question.question)

    @cached_property
    def _references(self) -> tuple[Words, ...]:
        return tuple(self._split(text) for text in self.question.references)

    @cached_property
    def _facts(self) -> list[list[tuple[str, ...]]]:
        return [[self._split(text).words for text in fact] for fact in self.question.key_facts]

    @cached_property
    def _forbidden(self) -> list[tuple[str, ...]]:
        return [self._split(text).words for text in self.question.must_not_say]

    @cached_property
    def _negating(self) -> list[tuple[str, ...]]:
        return [tuple(phrase.split()) for phrase in self.language.negators]

    @cached_property
    def _known(self) -> frozenset[str]:
        """Words of the question and of all that is known of its answer."""
        return self._expected.union(self._asked.words, self._split(self.question.why).words)

    @cached_property
    def _reasons(self) -> frozenset[str]:
        """What the references and the document say about it, beyond the question's words."""
        said = self._expected | self._quoted
        return said.difference(self._asked.words, self.language.empty)

    @cached_property
    def _quoted(self) -> frozenset[str]:
        """Words of the document's that decide it."""
        return frozenset(self._split(self.question.quote).words)

    @cached_property
    def _expected(self) -> frozenset[str]:
        """Words of the references and key facts: a number of the question alone is another answer."""
        phrases = (phrase for fact in self._facts for phrase in fact)
        return frozenset().union(*phrases, *(text.words for text in self._references))


def _akin(word: str, other: str) -> bool:
    """Say whether two words are the same, or begin alike as "sign" and "signature" do."""
    return word == other or (min(len(word), len(other)) >= _STEM and word[:_STEM] == other[:_STEM])


def _enumerated(answer: Words, span: Span, language: AnswerLanguage) -> set[str]:
    """Return the numbers that stand in one enumeration with a span: "9, 10 or 20 days", "15 to 40"."""
    joiners = language.alternatives | language.ranges
    numbers = [place for place, word in enumerate(answer.words) if word[0].isdigit()]
    run: list[int] = []
    for place in numbers:
        between = answer.words[run[-1] + 1 : place] if run else ()
        if len(between) > (4 if joiners.intersection(between) else 2):
            if run[-1] >= span[0]:
                break
            run = []
        run.append(place)
    listed = len(run) > 2 or joiners.intersection(answer.words[run[0] : run[-1]])
    return {answer.words[place] for place in run} if listed else set()
