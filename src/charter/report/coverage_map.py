"""What the report says of the training data's coverage: a map of the document, and what is missing."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from charter.documents.sections import section_paths
from charter.report.charts import sentence_strip
from charter.synthesis.coverage import ChunkCoverage, summarize_coverage


@dataclass(frozen=True)
class CoverageSection:
    """A row of the map: what stands under one of the document's main headings, a strip a chunk."""

    heading: str
    strips: Sequence[Markup]
    sentences: int
    covered: int
    questions: int
    held_out_questions: int
    pairs: int
    held_out_pairs: int


@dataclass(frozen=True)
class CoverageMap:
    """What is shown of a corpus.

    ``without_pair`` names the chunks with a value and without a training pair, and says what became of the
    pairs; ``uncovered`` gives the sentences that no training answer speaks of, by their headings.
    """

    summary: str
    sections: Sequence[CoverageSection]
    total: CoverageSection
    without_pair: Sequence[tuple[str, str]]
    uncovered: Mapping[str, Sequence[str]]
    uncovered_count: int


def coverage_map(measured: Sequence[ChunkCoverage]) -> CoverageMap:
    """Lay out the coverage of a corpus, in the order of its documents."""
    by_chunk = section_paths([item.chunk for item in measured])
    paths = [by_chunk[item.chunk.id] for item in measured]
    names = _names(paths)
    groups: dict[str, list[int]] = defaultdict(list)
    uncovered: dict[str, list[str]] = defaultdict(list)
    for place, item in enumerate(measured):
        groups[paths[place][0]].append(place)
        missing = [sentence.text for sentence in item.sentences if not sentence.covered]
        if missing:
            uncovered[names[place]] += missing
    figures = summarize_coverage(measured)
    return CoverageMap(
        summary=_summary(measured),
        sections=[
            _section(
                heading,
                [measured[place] for place in places],
                [_strip(names[place], measured[place]) for place in places],
            )
            for heading, places in groups.items()
        ],
        total=_section("all", measured, []),
        without_pair=[
            (name, _why_no_pair(item)) for name, item in zip(names, measured, strict=True) if item.lacks_pair
        ],
        uncovered=uncovered,
        uncovered_count=figures["sentences"] - figures["sentences_covered"],
    )


def _names(paths: Sequence[tuple[str, ...]]) -> list[str]:
    """Name each chunk by its headings; those of one section get a number too."""
    count, seen = Counter(paths), Counter[tuple[str, ...]]()
    names = []
    for path in paths:
        seen[path] += 1
        number = f" ({seen[path]} of {count[path]})" if count[path] > 1 else ""
        names.append(" › ".join(path) + number)
    return names


def _section(heading: str, measured: Sequence[ChunkCoverage], strips: Sequence[Markup]) -> CoverageSection:
    sentences = [sentence for item in measured for sentence in item.sentences]
    return CoverageSection(
        heading=heading,
        strips=strips,
        sentences=len(sentences),
        covered=sum(sentence.covered for sentence in sentences),
        questions=sum(item.questions for item in measured),
        held_out_questions=sum(item.held_out_questions for item in measured),
        pairs=sum(item.pairs for item in measured),
        held_out_pairs=sum(item.held_out_pairs for item in measured),
    )


def _strip(name: str, item: ChunkCoverage) -> Markup:
    covered = [sentence.covered for sentence in item.sentences]
    title = (
        f"{name}: {sum(covered)} of {_counted(len(covered), 'sentence')} covered; training "
        f"{_counted(item.questions, 'question')}, {_counted(item.pairs, 'pair')}"
    )
    return sentence_strip(title, covered)


def _summary(measured: Sequence[ChunkCoverage]) -> str:
    figures = summarize_coverage(measured)
    sentences, chunks = _counted(figures["sentences"], "sentence"), _counted(figures["chunks"], "chunk")
    share = 100 * figures["sentences_covered_share"]
    with_value = _counted(figures["value_chunks"], "chunk")
    return (
        f"Training answers cover {figures['sentences_covered']} of {sentences} "
        f"({share:.0f}\u00a0%). {figures['chunks_with_training_question']} of "
        f"{chunks} have a training question. Of {with_value} in which the teacher found a value, "
        f"{figures['value_chunks_without_pair']} have no training pair."
    )


def _why_no_pair(item: ChunkCoverage) -> str:
    """Say what became of the pairs tried on a chunk."""
    parts = [f"held out: {item.held_out_pairs}"] if item.held_out_pairs else []
    if item.refused_pairs:
        parts.append("refused: " + ", ".join(f"{name} {n}" for name, n in sorted(item.refused_pairs.items())))
    return "; ".join(parts) or "no scenario was written"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
