"""Cutting a document into chunks: spans of one section, at paragraph, line and sentence boundaries."""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from charter.documents.lines import count_letters
from charter.documents.segmentation import (
    LINE_BREAK,
    Span,
    sentence_spans,
    split_spans,
    stripped_span,
)
from charter.project.records import Chunk, Document, content_id

CountTokens = Callable[[str], int]

_HEADING = re.compile(r"(#{1,6})\s+(.*\S)")
_FENCE = re.compile(r"\s*(```|~~~)")
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")


@dataclass(frozen=True)
class SectionSpan:
    """What stands under one heading, up to the next: the headings above it and the span of its text."""

    headings: tuple[str, ...]
    start: int
    end: int


def chunk_document(
    document: Document, max_tokens: int, min_tokens: int, count_tokens: CountTokens
) -> list[Chunk]:
    """Cut a document into chunks of at most ``max_tokens``.

    A chunk never crosses a heading, so that a short article stays a chunk of its own. A longer section is
    cut at blank lines, within a paragraph at line breaks, then sentences, then words; neighbouring pieces
    are joined while they fit. A chunk below ``min_tokens`` shares the sentences of its neighbour evenly.
    Headings are on the chunk, not in its text, and nothing but headings and blanks is left out.
    """
    chunks = []
    seen: Counter[tuple[str, str, str]] = Counter()
    for section in _sections(document.text):
        for start, end in _cut(document, section, max_tokens, min_tokens, count_tokens):
            text = document.text[start:end]
            # An equal text under equal headings is told apart by its number, so ids stay unique.
            identity = (document.name, "\n".join(section.headings), text)
            chunks.append(
                Chunk(
                    id=content_id(*identity, str(seen[identity])),
                    document=document.name,
                    document_sha256=document.sha256,
                    headings=section.headings,
                    pages=_pages(document.page_starts, start, end),
                    start=start,
                    end=end,
                    language=document.language,
                    text=text,
                )
            )
            seen[identity] += 1
    return chunks


def chunked_share(document: Document, chunks: Sequence[Chunk]) -> float:
    """Return the share of the document's body that is in chunks, or a heading of one; at most 1.

    It is of the letters and digits of the text before any cleaning, without the running lines and the
    tables of contents, which `Document` counts apart.
    """
    paths = {chunk.headings[:length] for chunk in chunks for length in range(1, len(chunk.headings) + 1)}
    titles = [section.headings[-1] for section in _sections(document.text) if section.headings in paths]
    inside = sum(map(count_letters, [chunk.text for chunk in chunks] + titles))
    return min(inside / document.body, 1.0) if document.body else 0.0


def _sections(text: str) -> Iterator[SectionSpan]:
    """Go through the sections; a ``#`` line in fenced code is no heading."""
    path: list[tuple[int, str]] = []
    start = offset = 0
    fence = ""
    for line in text.splitlines(keepends=True):
        if match := _FENCE.match(line):
            fence = "" if fence == match[1] else fence or match[1]
        heading = None if fence else _HEADING.fullmatch(line.rstrip())
        if heading:
            yield SectionSpan(tuple(title for _, title in path), start, offset)
            level = len(heading[1])
            path = [(above, title) for above, title in path if above < level] + [(level, heading[2])]
            start = offset + len(line)
        offset += len(line)
    yield SectionSpan(tuple(title for _, title in path), start, offset)


def _cut(
    document: Document, section: SectionSpan, max_tokens: int, min_tokens: int, count_tokens: CountTokens
) -> list[Span]:
    """Cut a section into spans without blanks at their ends."""

    @cache
    def tokens(start: int, end: int) -> int:
        return count_tokens(document.text[start:end])

    spans: list[Span] = []
    for start, end in _pieces(document, section, lambda *span: tokens(*span) <= max_tokens):
        if spans and tokens(spans[-1][0], end) <= max_tokens:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    for second in range(1, len(spans)):
        if min(tokens(*spans[second - 1]), tokens(*spans[second])) < min_tokens:
            shared = _share(document, spans[second - 1], spans[second], max_tokens, tokens)
            spans[second - 1 : second + 1] = shared
    return spans


def _share(
    document: Document, first: Span, second: Span, max_tokens: int, tokens: Callable[[int, int], int]
) -> tuple[Span, Span]:
    """Move the boundary between two spans to the sentence where the smaller of them is largest."""
    sentences = [
        sentence
        for line in split_spans(document.text, first[0], second[1], LINE_BREAK)
        for sentence in sentence_spans(document.text, *line, document.language)
    ]
    cuts = [(first, second)] + [
        ((first[0], before[1]), (after[0], second[1])) for before, after in pairwise(sentences)
    ]
    allowed = [cut for cut in cuts if max(tokens(*span) for span in cut) <= max_tokens]
    return max(allowed, key=lambda cut: min(tokens(*span) for span in cut), default=(first, second))


def _pieces(document: Document, section: SectionSpan, fits: Callable[[int, int], bool]) -> Iterator[Span]:
    """Go through the largest pieces that fit, cut at the strongest boundaries."""
    text = document.text
    for paragraph in split_spans(text, section.start, section.end, _BLANK_LINES):
        if fits(*paragraph):
            yield paragraph
            continue
        for line in split_spans(text, *paragraph, LINE_BREAK):
            for sentence in [line] if fits(*line) else sentence_spans(text, *line, document.language):
                yield from [sentence] if fits(*sentence) else _words(text, *sentence, fits)


def _words(text: str, start: int, end: int, fits: Callable[[int, int], bool]) -> Iterator[Span]:
    """Cut a sentence that is too long after as many words as fit; a word that is too long, in itself."""
    while start < end:
        longest = _longest_fitting(start, end, fits)
        blanks = [match.start() for match in re.finditer(r"\s+", text[start : longest + 1])]
        cut = start + blanks[-1] if longest < end and any(blanks) else longest
        yield from stripped_span(text, start, cut)
        start = end - len(text[cut:end].lstrip())


def _longest_fitting(start: int, end: int, fits: Callable[[int, int], bool]) -> int:
    """Where the longest prefix that fits ends; after one character where not even that fits."""
    length = 1
    # It doubles until it is too long, so that a very long text isn't counted again and again.
    while start + length < end and fits(start, start + length):
        length *= 2
    ends = range(start + 1, min(start + length, end) + 1)
    too_long = bisect_left(ends, True, lo=length // 2, key=lambda stop: not fits(start, stop))
    return ends[max(too_long - 1, 0)]


def _pages(page_starts: Sequence[int], start: int, end: int) -> tuple[int, ...]:
    """Numbers of the pages on which a span lies, from 1; an empty page isn't one of them."""
    last = bisect_left(page_starts, end)
    pages = range(max(bisect_right(page_starts, start), 1), last + 1)
    return tuple(page for page in pages if page == last or page_starts[page - 1] < page_starts[page])
