"""What people did to the data: rows that they rejected leave, their words are put in, their votes join.

It takes effect when all rows are written: the teacher is asked the same with and without it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from charter.project.paths import CorpusPaths
from charter.project.records import SPLITS, PreferencePair, Rejected
from charter.project.review_records import DataRow, Mark, RowDecision, RowMark, row_texts
from charter.project.storage import read_rows
from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft, Ledger, Splits
from charter.synthesis.duplicates import Likeness
from charter.synthesis.languages import Language
from charter.synthesis.row_decisions import Settled, read_decisions, settle
from charter.synthesis.set_filters import HeldOut
from charter.synthesis.steps import Change, Filter, TextCheck


@dataclass(frozen=True)
class People:
    """Decisions on rows, by row id, ``torn`` lines of them, and pairs that voters preferred."""

    settled: Mapping[str, Settled] = field(default_factory=dict)
    torn: int = 0
    voted: Sequence[PreferencePair] = ()


NOBODY = People()


def read_people(paths: CorpusPaths) -> People:
    """Read what people decided and voted; nothing, where there are no files.

    Raises:
        CharterError: A file is broken.
    """
    decisions, torn = read_decisions(paths.row_decisions, RowDecision)
    voted = read_rows(paths.voted_pairs, PreferencePair) if paths.voted_pairs.exists() else ()
    return People(settle(decisions), torn, voted)


@dataclass(frozen=True)
class Voted(Filter):
    """Refuses pairs that voters preferred whose passage is no more, and takes the others."""

    name = "passage"
    needed = True
    pairs: Sequence[PreferencePair]

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return a draft for each pair about one of the drafts' passages."""
        chunks = {draft.chunk.id: draft.chunk for draft in drafts}
        ledger.requested += len(self.pairs)
        taken = []
        for pair in self.pairs:
            if chunk := chunks.get(pair.chunk_id):
                taken.append(_reword(Draft(chunk, rule=pair.rule), pair))
                continue
            ledger.rejected.append(
                Rejected(
                    id=pair.id,
                    chunk_id=pair.chunk_id,
                    kind="vote",
                    filter=self.name,
                    reason="the document doesn't have the passage any more",
                    raw="\n".join(row_texts(pair).values()),
                )
            )
        return taken


@dataclass(frozen=True)
class Review(TextCheck):
    """Refuses what people rejected in `charter review`, and what they don't agree on."""

    name = "review"
    needed = True
    settled: Mapping[str, Settled]

    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        found = self.settled.get(draft.id)
        return found.reason if found and found.wanted is None else None


@dataclass(frozen=True)
class TakeEdits(Change):
    """Puts in the words of people who edited a row."""

    settled: Mapping[str, Settled]

    def _change(self, draft: Draft) -> Draft:
        row = self.settled.get(draft.id)
        return _reword(draft, row.wanted) if row and row.outcome == "edited" and row.wanted else draft


@dataclass(frozen=True)
class PeopleHeldOut(HeldOut):
    """Refuses rows that people edited or voted for which nearly repeat a row of another split."""

    def _problems(self, drafts: Sequence[Draft], context: SynthesisContext) -> Sequence[str | None]:
        worded = [draft for draft in drafts if draft.kept_id]
        problems = iter(super()._problems(worded, context) if worded else ())
        return [next(problems) if draft.kept_id else None for draft in drafts]


def honour(
    people: People, groups: Sequence[tuple[Splits, Ledger]], likeness: Likeness, context: SynthesisContext
) -> list[RowMark]:
    """Let what people decided take effect on the rows of each kind, in place, and return what it did."""
    split_of = {
        draft.id: split for splits, _ in groups for split, drafts in splits.items() for draft in drafts
    }
    review, edit = Review(people.settled), TakeEdits(people.settled)
    for splits, ledger in groups:
        for split, drafts in splits.items():
            kept = review(drafts, context, ledger)
            splits[split] = kept if split == "test" else edit(kept, context, ledger)
    for split in SPLITS:
        others = [draft for each, _ in groups for name in each if name != split for draft in each[name]]
        guard = PeopleHeldOut(others, likeness)
        for splits, ledger in groups:
            if split in splits:
                splits[split] = guard(splits[split], context, ledger)
    left = {draft.id for splits, _ in groups for drafts in splits.values() for draft in drafts}
    marks = []
    for row_id, split in split_of.items():
        found = people.settled.get(row_id)
        if found and not (split == "test" and found.outcome == "edited"):
            mark = "held out" if found.wanted and row_id not in left else found.outcome
            marks.append(RowMark(row_id=row_id, split=split, mark=mark, people=found.reviewers))
    marks += [
        RowMark(row_id=pair.id, split="train", mark="voted", people=())
        for pair in people.voted
        if pair.id in left
    ]
    return marks


def people_figures(people: People, marks: Sequence[RowMark]) -> dict[str, int]:
    """Count what became of the decisions.

    ``gone`` are those without effect: on rows that are not written any more, and edits of rows that have come
    into the test split since, where nobody's words may be.
    """
    outcomes: Counter[Mark] = Counter(row.mark for row in marks if row.mark != "voted")
    names: tuple[Mark, ...] = ("accepted", "edited", "rejected", "disputed", "held out")
    return {
        "decided": len(people.settled),
        **{name.replace(" ", "_"): outcomes[name] for name in names},
        "gone": len(people.settled) - outcomes.total(),
        "torn_lines": people.torn,
    }


def _reword(draft: Draft, row: DataRow) -> Draft:
    """Give a draft the words of a row, and its id for good."""
    question, answer, *rejected = row_texts(row).values()
    return replace(draft, question=question, answer=answer, rejected="".join(rejected), kept_id=row.id)
