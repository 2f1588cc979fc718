"""What differs between two states of a corpus's chunks and data, section by section."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import Literal

from pydantic import AliasChoices, Field

from charter.project.records import Kind, Row

_EXCERPT = 100


class ComparedChunk(Row, extra="ignore"):
    """What is read of a chunk: other fields may come and go between revisions.

    Its id is a hash of its document, headings and text.
    """

    id: str
    document: str
    headings: tuple[str, ...]
    text: str

    @property
    def section(self) -> tuple[str, tuple[str, ...]]:
        """The document's name and the path of headings."""
        return self.document, self.headings


class ComparedExample(Row, extra="ignore"):
    """What is read of a row of either data set.

    Its id is a hash of its chunk and all its texts, as they were before people edited them.
    """

    id: str
    chunk_id: str
    text: str = Field(validation_alias=AliasChoices("question", "prompt"))
    reply: str = Field("", validation_alias=AliasChoices("answer", "chosen"))
    rejected: str = ""

    @property
    def words(self) -> str:
        """All its texts."""
        return "\n".join((self.text, self.reply, self.rejected))


@dataclass(frozen=True)
class CorpusData:
    """Chunks in the order of the document, and the rows of each data set by split."""

    chunks: Sequence[ComparedChunk]
    examples: Mapping[Kind, Mapping[str, Sequence[ComparedExample]]]


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    A chunk that is gone and one that is new in the same section are one ``amended`` chunk. A row is
    ``moved`` where its split differs, and ``amended`` where people edited it. What there is on one side only
    is None on the other.
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
    chunks = (*after.chunks, *before.chunks)
    order = {section: place for place, section in enumerate(dict.fromkeys(chunk.section for chunk in chunks))}
    found = []
    gone, new = _texts(before.chunks, after.chunks), _texts(after.chunks, before.chunks)
    for section in order:
        for old, text in zip_longest(gone[section], new[section]):
            change: Literal["added", "removed", "amended"] = (
                "added" if old is None else "removed" if text is None else "amended"
            )
            found.append(Difference("chunk", change, *section, old, text))
    sections = {chunk.id: chunk.section for chunk in chunks}
    for kind in after.examples:
        olds, news = _by_id(before.examples[kind]), _by_id(after.examples[kind])
        for identity, (split, row) in (olds | news).items():
            section = sections.get(row.chunk_id, ("", ()))
            if identity not in news:
                found.append(Difference(kind, "removed", *section, row.text, None, split, None))
            elif identity not in olds:
                found.append(Difference(kind, "added", *section, None, row.text, None, split))
            elif (was := olds[identity][0]) != split:
                found.append(Difference(kind, "moved", *section, row.text, row.text, was, split))
            elif (said := olds[identity][1].words) != row.words:
                found.append(Difference(kind, "amended", *section, said, row.words, split, split))
    # sorted is stable: chunks come before rows, and both stay in their order.
    return sorted(found, key=lambda item: order.get((item.document, item.headings), len(order)))


def summarize(differences: Sequence[Difference]) -> str:
    """Count the changes of each kind: ``1 chunk amended, 3 instruct added, 2 instruct removed``."""
    counts = Counter((item.kind, item.change) for item in differences)
    return ", ".join(f"{count} {kind} {change}" for (kind, change), count in sorted(counts.items()))


def describe(differences: Sequence[Difference]) -> str:
    """Write the differences as lines below their section: + is new, - is gone, ~ has changed."""
    lines: list[str] = []
    for (document, headings), items in groupby(differences, lambda item: (item.document, item.headings)):
        lines.append(" > ".join((document, *headings)))
        for item in items:
            before, after = item.before or "", item.after or ""
            match item.change:
                case "added":
                    lines.append(f"  + {item.kind} {_split(item.split_after)}{_excerpt(after)}")
                case "removed":
                    lines.append(f"  - {item.kind} {_split(item.split_before)}{_excerpt(before)}")
                case "moved":
                    moved = _split(f"{item.split_before} -> {item.split_after}")
                    lines.append(f"  ~ {item.kind} {moved}{_excerpt(after)}")
                case "amended":
                    letters = enumerate(zip_longest(before, after))
                    same = next(place for place, (old, new) in letters if old != new)
                    lines.append(f"  ~ {item.kind}")
                    lines += [f"      - {_excerpt(before, same)}", f"      + {_excerpt(after, same)}"]
    return "\n".join(lines)


def _texts(
    chunks: Sequence[ComparedChunk], others: Iterable[ComparedChunk]
) -> Mapping[tuple[str, tuple[str, ...]], list[str]]:
    """Return the texts by section of the chunks that aren't among the others."""
    known = {chunk.id for chunk in others}
    texts = defaultdict(list)
    for chunk in chunks:
        if chunk.id not in known:
            texts[chunk.section].append(chunk.text)
    return texts


def _by_id(examples: Mapping[str, Sequence[ComparedExample]]) -> dict[str, tuple[str, ComparedExample]]:
    return {row.id: (split, row) for split, rows in examples.items() for row in rows}


def _split(name: str | None) -> str:
    return f"[{name}] " if name else ""


def _excerpt(text: str, difference: int = 0) -> str:
    """Cut one line out of a text, so that the place at which it differs is in view."""
    start = text.rfind(" ", 0, difference - _EXCERPT // 4) + 1 if difference > _EXCERPT // 2 else 0
    end = start + _EXCERPT
    line = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{line}{'…' if end < len(text) else ''}"
