"""What differs between two states of a corpus's chunks and data, section by section."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import AliasChoices, ConfigDict, Field

from charter.project.records import Kind, Row

Section = tuple[str, tuple[str, ...]]
"""A document's name and the path of headings."""

_EXCERPT = 100


class ComparedRow(Row):
    """What is read of a row to compare it; other fields may come and go between revisions."""

    model_config = ConfigDict(extra="ignore")

    id: str


class ComparedChunk(ComparedRow):
    """A chunk: its id is a hash of its document, headings and text."""

    document: str
    headings: tuple[str, ...]
    text: str


class ComparedExample(ComparedRow):
    """A row of either data set: its id is a hash of its chunk and all its texts."""

    chunk_id: str
    text: str = Field(validation_alias=AliasChoices("question", "prompt"))


@dataclass(frozen=True)
class CorpusData:
    """Chunks in the order of the document, and the rows of each data set by split."""

    chunks: Sequence[ComparedChunk]
    examples: Mapping[Kind, Mapping[str, Sequence[ComparedExample]]]


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    A chunk that is gone and one that is new in the same section are one ``amended`` chunk. A row is
    ``moved`` where only its split differs. What there is on one side only is None on the other.
    """

    kind: Literal["chunk", "instruct", "preference"]
    change: Literal["added", "removed", "amended", "moved"]
    document: str
    headings: tuple[str, ...]
    before: str | None
    after: str | None
    split_before: str | None = None
    split_after: str | None = None


def find_differences(before: CorpusData, after: CorpusData) -> list[Difference]:
    """Compare two states; the outcome is in the order of the document's sections, removed ones last."""
    sections = {chunk.id: (chunk.document, chunk.headings) for chunk in (*before.chunks, *after.chunks)}
    found = _chunk_differences(before.chunks, after.chunks)
    for kind in after.examples:
        found += _example_differences(kind, before.examples[kind], after.examples[kind], sections)
    order = {section: place for place, section in enumerate(_sections((*after.chunks, *before.chunks)))}
    # sorted is stable: chunks come before rows, and both stay in their order.
    return sorted(found, key=lambda item: order.get((item.document, item.headings), len(order)))


def summarize(differences: Sequence[Difference]) -> str:
    """Count the changes of each kind: ``1 chunk amended, 3 instruct added, 2 instruct removed``."""
    counts = Counter((item.kind, item.change) for item in differences)
    return ", ".join(f"{count} {kind} {change}" for (kind, change), count in sorted(counts.items()))


def describe(differences: Sequence[Difference]) -> str:
    """Write the differences as lines below their section: + is new, - is gone, ~ has changed."""
    lines = []
    section: Section | None = None
    for item in differences:
        if (item.document, item.headings) != section:
            section = (item.document, item.headings)
            lines.append(" > ".join((item.document, *item.headings)))
        lines += [f"  {line}" for line in _lines(item)]
    return "\n".join(lines)


def _chunk_differences(before: Sequence[ComparedChunk], after: Sequence[ComparedChunk]) -> list[Difference]:
    gone = _by_section(before, {chunk.id for chunk in after})
    new = _by_section(after, {chunk.id for chunk in before})
    found = []
    for section in _sections((*after, *before)):
        olds, news = gone[section], new[section]
        for place in range(max(len(olds), len(news))):
            old = olds[place].text if place < len(olds) else None
            text = news[place].text if place < len(news) else None
            change: Literal["added", "removed", "amended"] = (
                "added" if old is None else "removed" if text is None else "amended"
            )
            found.append(Difference("chunk", change, *section, before=old, after=text))
    return found


def _by_section(chunks: Iterable[ComparedChunk], known: set[str]) -> dict[Section, list[ComparedChunk]]:
    groups: dict[Section, list[ComparedChunk]] = defaultdict(list)
    for chunk in chunks:
        if chunk.id not in known:
            groups[(chunk.document, chunk.headings)].append(chunk)
    return groups


def _sections(chunks: Iterable[ComparedChunk]) -> list[Section]:
    return list(dict.fromkeys((chunk.document, chunk.headings) for chunk in chunks))


def _example_differences(
    kind: Kind,
    before: Mapping[str, Sequence[ComparedExample]],
    after: Mapping[str, Sequence[ComparedExample]],
    sections: Mapping[str, Section],
) -> list[Difference]:
    old = {row.id: (row, split) for split, rows in before.items() for row in rows}
    new = {row.id: (row, split) for split, rows in after.items() for row in rows}
    found = []
    for identity, (row, split) in {**old, **new}.items():
        section = sections.get(row.chunk_id, ("", ()))
        split_before = old[identity][1] if identity in old else None
        if identity not in new:
            found.append(Difference(kind, "removed", *section, row.text, None, split, None))
        elif split_before is None:
            found.append(Difference(kind, "added", *section, None, row.text, None, split))
        elif split_before != split:
            found.append(Difference(kind, "moved", *section, row.text, row.text, split_before, split))
    return found


def _lines(item: Difference) -> list[str]:
    if item.before is not None and item.after is not None:
        if item.change == "moved":
            return [f"~ {item.kind} [{item.split_before} -> {item.split_after}] {_excerpt(item.after)}"]
        pairs = enumerate(zip(item.before, item.after, strict=False))
        same = next((place for place, (old, new) in pairs if old != new), 0)
        return [
            f"~ {item.kind}",
            f"    - {_excerpt(item.before, same)}",
            f"    + {_excerpt(item.after, same)}",
        ]
    sign, text, split = (
        ("+", item.after, item.split_after) if item.before is None else ("-", item.before, item.split_before)
    )
    return [f"{sign} {item.kind} {f'[{split}] ' if split else ''}{_excerpt(text or '')}"]


def _excerpt(text: str, difference: int = 0) -> str:
    """Cut one line out of a text, so that the place at which it differs is in view."""
    start = 0
    if difference > _EXCERPT // 2:
        start = text.rfind(" ", 0, difference - _EXCERPT // 4) + 1
    end = start + _EXCERPT
    line = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{line}{'…' if end < len(text) else ''}"
