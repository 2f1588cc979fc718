"""The document's rules one by one: what the exam says of each."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from charter.evaluation.exam_quotes import letters
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.project.records import Rule
from charter.report.coverage_map import MappedChunk
from charter.synthesis.coverage import RuleCoverage

Status = Literal["kept", "broken", "not tested"]

SHARED_RUN = 40
"""A quote and a quotation that have so many letters in a row in common speak of the same words; not fitted to
data. Shorter ones do where one holds the other."""


@dataclass(frozen=True)
class ExaminedRule:
    """A rule; ``asked`` items of the exam are about it, of which the model got ``right``."""

    coverage: RuleCoverage
    right: int
    asked: int

    @property
    def status(self) -> Status:
        """Kept where every item about it is right."""
        if not self.asked:
            return "not tested"
        return "kept" if self.right == self.asked else "broken"


@dataclass(frozen=True)
class ExaminedRules:
    """The rules by section, in the document's order; ``unmatched`` items are about words in no rule."""

    sections: Sequence[tuple[str, Sequence[ExaminedRule]]]
    unmatched: int

    def count(self, status: Status) -> int:
        """Count the rules of a status."""
        return sum(rule.status == status for _, rules in self.sections for rule in rules)


def examine_rules(
    chunks: Sequence[MappedChunk], answers: Sequence[ExamAnswer], decisions: Sequence[ExamDecision]
) -> ExaminedRules:
    """Hold each rule against the items of the exam that rest on its words.

    Args:
        chunks: All of the corpus, in their order.
        answers: One system's; those to what the document doesn't answer are about no rule.
        decisions: One system's; right above a margin of 0.
    """
    items = [(row.chunk_id, row.quote, row.fault is None) for row in answers if row.kind != "unanswerable"]
    items += [(row.chunk_id, row.quote, row.margin > 0) for row in decisions]
    rules = {chunk.coverage.chunk.id: [item.rule for item in chunk.coverage.rules] for chunk in chunks}
    outcomes: dict[str, list[bool]] = defaultdict(list)
    unmatched = 0
    for chunk_id, quote, right in items:
        about = [rule for rule in rules.get(chunk_id, []) if rests_on(quote, rule)]
        unmatched += not about
        for rule in about:
            outcomes[rule.id].append(right)
    sections: dict[str, list[ExaminedRule]] = defaultdict(list)
    for chunk in chunks:
        sections[chunk.section] += [
            ExaminedRule(item, sum(outcomes[item.rule.id]), len(outcomes[item.rule.id]))
            for item in chunk.coverage.rules
        ]
    return ExaminedRules([(section, found) for section, found in sections.items() if found], unmatched)


def rests_on(quote: str, rule: Rule) -> bool:
    """Whether a quote of a rule's chunk has the rule's words, by letters and digits alone."""
    first, second = letters(quote), letters(rule.quotation)
    if not first or not second:
        return False
    if first in second or second in first:
        return True
    return any(first[start : start + SHARED_RUN] in second for start in range(len(first) - SHARED_RUN + 1))
