"""Check the rows that are written by hand: `python tests/strong_teacher/check.py` says what is wrong.

A row must fit its passage and stand by itself, and nothing may tell faithful from unfaithful replies but
what they advise. Beside that it prints figures to judge by.
"""

import json
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

HERE = Path(__file__).parent
CHUNKS: dict[str, list[str]] = json.loads((HERE / "chunks.json").read_text(encoding="utf-8"))
"""The passages of each language's whole document."""
MARKS: dict[str, dict[str, str]] = yaml.safe_load((HERE / "marks.yaml").read_text(encoding="utf-8"))

UNSPACED = ("cmn", "jpn")
STYLES = ("content", "situation", "everyday")

_SENTENCE_ENDS = ".!?\uff01\uff1f\u3002\u0964\u061f"
_COMMAS = ",;:\uff0c\uff1b\uff1a\u3001\u060c\u061b"

Sides = tuple[list[str], list[str]]
"""All faithful replies, and all unfaithful ones."""

Text = Annotated[str, Field(min_length=1)]


class Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RuleRow(Row):
    statement: Annotated[str, Field(pattern="[.\u3002\u0964]$")]
    modality: Literal["right", "duty", "permission", "ban", "procedure", "value"]
    quotation: Text
    limits: list[Text]
    deciders: list[Text]
    reason: Text | None
    grey: Annotated[str, Field(pattern=r"^(unclear|conflicting|implied): \S")] | None


class QuestionRow(Row):
    style: Literal["content", "situation", "everyday"]
    rule: int
    # Japanese asks in careful prose without a mark, by its last syllable.
    question: Annotated[str, Field(pattern="[?\uff1f\u061f]$|か。$")]
    answer: Text


class ScenarioRow(Row):
    rule: int
    scenario: Text
    faithful: Text
    unfaithful: Text
    opposite: Text


class ChunkRow(Row):
    excerpt: Text
    rules: Annotated[list[RuleRow], Field(min_length=3, max_length=8)]
    questions: list[QuestionRow]
    scenarios: Annotated[list[ScenarioRow], Field(min_length=6)]


class LanguageRows(Row):
    language: Literal["deu", "arb", "hin", "cmn", "fra", "spa", "rus", "jpn"]
    chunks: Annotated[list[ChunkRow], Field(min_length=3, max_length=3)]

    @property
    def sides(self) -> Sides:
        scenarios = [row for chunk in self.chunks for row in chunk.scenarios]
        return [row.faithful for row in scenarios], [row.unfaithful for row in scenarios]


def read_language(language: str) -> LanguageRows:
    return LanguageRows.model_validate(
        yaml.safe_load((HERE / f"{language}.yaml").read_text(encoding="utf-8"))
    )


def find_problems(rows: LanguageRows) -> Iterator[str]:
    """Say what is wrong with the rows of a language."""
    texts = CHUNKS[rows.language]
    for chunk in rows.chunks:
        found = [text for text in texts if chunk.excerpt in text]
        if len(found) != 1:
            yield f"{len(found)} passages have {chunk.excerpt!r}"
            continue
        yield from _find_in_chunk(chunk, found[0], rows.language)
    if len({chunk.excerpt for chunk in rows.chunks}) < len(rows.chunks):
        yield "a passage is taken twice"
    yield from _find_repetitions(rows)
    yield from _find_giveaways(rows)


def _find_in_chunk(chunk: ChunkRow, text: str, language: str) -> Iterator[str]:
    yield from (f"not in the passage: {rule.quotation}" for rule in chunk.rules if rule.quotation not in text)
    for rows in (chunk.questions, chunk.scenarios):
        if {row.rule for row in rows} != set(range(len(chunk.rules))):
            yield f"{chunk.excerpt}: not each rule has questions and scenarios"
    styles = Counter(row.style for row in chunk.questions)
    if min(styles[style] for style in STYLES) < 3:
        yield f"{chunk.excerpt}: styles {dict(styles)}"
    yield from _find_in_texts(chunk, text, language)
    for row in chunk.scenarios:
        shorter, longer = sorted((len(row.faithful), len(row.unfaithful)))
        if longer - shorter > 0.15 * longer:
            yield f"{shorter} and {longer} characters: {row.faithful}"
        if _likeness(row.opposite, row.unfaithful, language) > 0.6:
            yield f"the opposite is the unfaithful reply: {row.opposite}"


def _find_in_texts(chunk: ChunkRow, text: str, language: str) -> Iterator[str]:
    replies = [reply for row in chunk.scenarios for reply in (row.faithful, row.unfaithful)]
    shown = [row.question for row in chunk.questions] + [row.scenario for row in chunk.scenarios]
    for said in [*shown, *replies, *(row.answer for row in chunk.questions)]:
        if pointing := re.search(MARKS["pointing"][language], said, re.IGNORECASE):
            yield f"points at the passage ({pointing[0]}): {said}"
    whole, most = _plain("".join(CHUNKS[language])), 14 if language in UNSPACED else 45
    for said in [*replies, *(row.answer for row in chunk.questions)]:
        if _plain(said) in whole or _share_run(_plain(said), _plain(text), most):
            yield f"copied from the document: {said}"


def _find_repetitions(rows: LanguageRows) -> Iterator[str]:
    questions = [row.question for chunk in rows.chunks for row in chunk.questions]
    scenarios = [row for chunk in rows.chunks for row in chunk.scenarios]
    for texts, most in ((questions, 0.4), ([row.scenario for row in scenarios], 0.35)):
        for one, other in combinations(texts, 2):
            if _likeness(one, other, rows.language) > most:
                yield f"alike: {one} / {other}"
    for texts in ([row.opposite for row in scenarios], rows.sides[0] + rows.sides[1]):
        yield from (f"stands twice: {text}" for text, count in Counter(texts).items() if count > 1)


def _find_giveaways(rows: LanguageRows) -> Iterator[str]:
    good, bad = rows.sides
    for name, value in measure(rows).items():
        if not 0.4 <= value <= 0.6:
            yield f"{name} tells the sides apart (AUC {value:.2f})"
    difference = sum(map(len, good)) - sum(map(len, bad))
    if abs(difference) > 0.02 * sum(map(len, good)):
        yield f"faithful replies are {difference / len(good):+.1f} characters longer"
    distance, first = _first_words(rows)
    if distance > 0.35:
        yield f"first words tell the sides apart (distance {distance:.2f})"
    for word, (faithful, unfaithful) in first.items():
        if faithful + unfaithful >= 4 and not 0.3 <= faithful / (faithful + unfaithful) <= 0.7:
            yield f"first word {word}: {faithful} faithful, {unfaithful} unfaithful"


def measure(rows: LanguageRows) -> dict[str, float]:
    """Return by how much each feature is greater in faithful replies: the AUC, .5 where it tells nothing."""
    features: dict[str, Callable[[str], float]] = {
        "length": len,
        "sentences": lambda text: sum(sign in _SENTENCE_ENDS for sign in text),
        "commas": lambda text: sum(sign in _COMMAS for sign in text),
        "negations": _counter("negations", rows.language),
        "hedges": _counter("hedges", rows.language),
    }
    good, bad = rows.sides
    return {
        name: _auc([feature(text) for text in good], [feature(text) for text in bad])
        for name, feature in features.items()
    }


def describe(rows: LanguageRows) -> Iterator[str]:
    """Give figures, and the words that stand mostly on one side, for a reader to judge."""
    count = {
        name: sum(len(getattr(chunk, name)) for chunk in rows.chunks)
        for name in ("rules", "questions", "scenarios")
    }
    yield ", ".join(f"{number} {name}" for name, number in count.items())
    yield "AUC of " + ", ".join(f"{name} {value:.2f}" for name, value in measure(rows).items())
    yield f"first words: distance {_first_words(rows)[0]:.2f}"
    sides = [
        Counter(word for text in side for word in set(_words(text, rows.language))) for side in rows.sides
    ]
    for word in sorted(sides[0] | sides[1]):
        few, many = sorted(side[word] for side in sides)
        if few + many >= 5 and many >= 4 * few:
            yield f"{word}: {sides[0][word]} faithful, {sides[1][word]} unfaithful"


def _first_words(rows: LanguageRows) -> tuple[float, dict[str, tuple[int, int]]]:
    """Return the distance (total variation) of the sides' first words, and each word's counts."""
    good, bad = (Counter(_words(text, rows.language)[0] for text in side) for side in rows.sides)
    counts = {word: (good[word], bad[word]) for word in good | bad}
    return sum(abs(one - other) for one, other in counts.values()) / 2 / len(rows.sides[0]), counts


def _counter(mark: str, language: str) -> Callable[[str], float]:
    pattern = re.compile(MARKS[mark][language], re.IGNORECASE)
    return lambda text: len(pattern.findall(text))


def _auc(ones: Sequence[float], others: Sequence[float]) -> float:
    """Return the chance that one of the first is greater than one of the others, ties half."""
    return sum((a > b) + (a == b) / 2 for a in ones for b in others) / (len(ones) * len(others))


def _plain(text: str) -> str:
    return re.sub(r"\W+", "", unicodedata.normalize("NFKC", text)).casefold()


def _words(text: str, language: str) -> list[str]:
    """Return the words, of writing without blanks each two signs that stand together."""
    if language not in UNSPACED:
        return re.findall(
            r"[^\s.,;:!?¡¿()\[\]\"'„“”‚‘’«»–—،؛؟।]+", unicodedata.normalize("NFC", text.casefold())
        )
    runs = re.findall(r"[\u3005\u3040-\u30ff\u4e00-\u9fff]+", text)
    return [run[place : place + 2] for run in runs for place in range(max(1, len(run) - 1))]


def _likeness(one: str, other: str, language: str) -> float:
    """Return the Jaccard index of runs of three letters, of writing without blanks two."""
    length = 2 if language in UNSPACED else 3
    first, second = (
        {text[place : place + length] for place in range(len(text) - length + 1)}
        for text in map(_plain, (one, other))
    )
    return len(first & second) / len(first | second)


def _share_run(one: str, other: str, length: int) -> bool:
    """Return whether both have a run of so many characters."""
    return any(one[place : place + length] in other for place in range(len(one) - length + 1))


def main() -> int:
    problems = 0
    for language in CHUNKS:
        rows = read_language(language)
        found = list(find_problems(rows))
        problems += len(found)
        lines = [language, *(f"  {line}" for line in describe(rows)), *(f"  WRONG {line}" for line in found)]
        sys.stdout.write("\n".join(lines) + "\n")
    return min(problems, 1)


if __name__ == "__main__":
    sys.exit(main())
