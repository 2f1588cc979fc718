"""The two parts of an exam: dev, a third, for choices, and sealed, two thirds, to measure with.

Whole sections go to one part or the other, so that what was learned from a dev item helps with no sealed one.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from ruamel.yaml.error import YAMLError
from scipy.cluster.hierarchy import DisjointSet

from charter.evaluation.grouping import grouped
from charter.project.errors import CharterError
from charter.project.exam_records import Dilemma, ExamQuestion
from charter.project.sections import ParamsSection
from charter.project.storage import write_text
from charter.project.yaml_text import parse_yaml

DEV_SHARE = 1 / 3

_DRAWS = 2_000
"""Ways to split that are tried; the one that divides all kinds most evenly is taken."""

_HEAD = """# Written by `charter exam add`: sections that are dev, for choices, and sealed, to measure with.
# The hash is of the sealed rows, and others are refused.
"""


@dataclass(frozen=True)
class Exam:
    """Questions and dilemmas, of the whole exam or of a part; ``left_out`` counts what people trained on."""

    questions: Sequence[ExamQuestion]
    dilemmas: Sequence[Dilemma]
    left_out: int = 0

    @property
    def items(self) -> list[ExamQuestion | Dilemma]:
        """The questions, then the dilemmas."""
        return [*self.questions, *self.dilemmas]

    def only(self, sections: Iterable[str]) -> "Exam":
        """Take the items of some sections."""
        chosen = set(sections)
        return Exam(
            [row for row in self.questions if row.section in chosen],
            [row for row in self.dilemmas if row.section in chosen],
        )

    def sample(self, count: int, seed: int) -> "Exam":
        """Draw ``count`` questions and as many dilemmas, minimal pairs whole; all of both where it is 0."""
        if count == 0:
            return self
        draw = random.Random(seed)  # noqa: S311  no secret
        groups = list(grouped(self.dilemmas, lambda row: row.pair or row.id).values())
        draw.shuffle(groups)
        chosen: set[str] = set()
        for group in groups:
            if len(chosen) < count:
                chosen |= {row.id for row in group}
        asked = draw.sample(range(len(self.questions)), min(count, len(self.questions)))
        return Exam(
            [self.questions[place] for place in sorted(asked)],
            [row for row in self.dilemmas if row.id in chosen],
        )

    @property
    def sections(self) -> list[str]:
        """The sections, in their order, each once."""
        return list(dict.fromkeys(row.section for row in self.items))

    def sha256(self) -> str:
        """Return one hash over the text of all items; their order doesn't matter."""
        digest = hashlib.sha256()
        for line in sorted(row.model_dump_json() for row in self.items):
            digest.update(f"{line}\n".encode())
        return digest.hexdigest()


class Seal(ParamsSection):
    """What sealed.yaml holds: the sections of both parts, and the hash and number of the sealed rows."""

    seed: int
    sha256: str
    questions: int
    dilemmas: int
    dev: tuple[str, ...]
    sealed: tuple[str, ...]


def seal_exam(exam: Exam, seed: int, before: Seal | None = None) -> Seal:
    """Divide the sections and freeze the sealed ones.

    A section keeps the part that it had ``before``, since dev has been looked at. The others are drawn, with
    ``seed``, so that a third of each kind is dev. Sections that share a minimal pair go together.

    Raises:
        CharterError: A pair ties a section that was dev to one that was sealed, or a part would be empty.
    """
    groups = _tied_sections(exam)
    known = dict.fromkeys(before.dev, True) | dict.fromkeys(before.sealed, False) if before else {}
    dev: set[str] = set()
    free = []
    for group in groups:
        parts = {known[name] for name in group if name in known}
        if len(parts) == 2:
            raise CharterError(
                f"sections {', '.join(sorted(group))}: a minimal pair ties a dev section to a sealed one; "
                "write both of its members under one section"
            )
        if not parts:
            free.append(group)
        elif parts == {True}:
            dev.update(group)
    dev |= _draw(exam, free, dev, seed)
    sealed = [name for name in exam.sections if name not in dev]
    if not dev or not sealed:
        raise CharterError(
            "an exam needs items of at least two sections: one to choose by, and one to measure with"
        )
    part = exam.only(sealed)
    return Seal(
        seed=seed,
        sha256=part.sha256(),
        questions=len(part.questions),
        dilemmas=len(part.dilemmas),
        dev=tuple(name for name in exam.sections if name in dev),
        sealed=tuple(sealed),
    )


def read_seal(path: Path) -> Seal:
    """Read sealed.yaml; it is a CharterError where it is missing or was broken."""
    if not path.is_file():
        raise CharterError(f"{path}: no such file; `charter exam add` divides an exam and writes it")
    try:
        values = parse_yaml(path.read_text(encoding="utf-8"))
        return Seal.model_validate(values | {part: tuple(values[part]) for part in ("dev", "sealed")})
    except (UnicodeDecodeError, YAMLError, ValidationError, TypeError, KeyError) as error:
        raise CharterError(
            f"{path}: not a seal; take it from git, or run `charter exam add` again"
        ) from error


def write_seal(path: Path, seal: Seal) -> None:
    """Write sealed.yaml."""
    lines = [f"{name}: {getattr(seal, name)}\n" for name in ("seed", "sha256", "questions", "dilemmas")]
    for part in ("dev", "sealed"):
        quoted = (name.replace("'", "''") for name in getattr(seal, part))
        lines += [f"{part}:\n", *(f"  - '{name}'\n" for name in quoted)]
    write_text(path, _HEAD + "".join(lines))


def _tied_sections(exam: Exam) -> list[set[str]]:
    """Group the sections that minimal pairs tie together."""
    tied = DisjointSet(exam.sections)
    for members in grouped((row for row in exam.dilemmas if row.pair), lambda row: row.pair).values():
        for row in members:
            tied.merge(members[0].section, row.section)
    return list(tied.subsets())


def _draw(exam: Exam, free: Sequence[set[str]], dev: set[str], seed: int) -> set[str]:
    """Return the free sections that go to dev: of many draws, those that divide every kind most evenly."""
    counts = {name: _kinds(exam.only([name])) for name in exam.sections}
    whole = sum(counts.values(), Counter())
    taken_before = sum((counts[name] for name in dev if name in counts), Counter())
    generator = random.Random(seed)  # noqa: S311  no secret
    best: tuple[float, set[str]] = (float("inf"), set())
    for _ in range(_DRAWS):
        order = generator.sample(range(len(free)), len(free))
        taken, chosen = Counter(taken_before), set[str]()
        for index in order:
            if sum(taken.values()) >= DEV_SHARE * sum(whole.values()):
                break
            chosen.update(free[index])
            for name in free[index]:
                taken += counts[name]
        uneven = sum((taken[kind] / count - DEV_SHARE) ** 2 for kind, count in whole.items())
        best = min(best, (uneven, chosen), key=lambda draw: draw[0])
    return best[1]


def _kinds(part: Exam) -> Counter[str]:
    """Count what is divided evenly: kinds of questions, dilemmas in pairs and alone, and pressures."""
    return Counter(
        [
            *(row.kind for row in part.questions),
            *("in a pair" if row.pair else "alone" for row in part.dilemmas),
            *(row.pressure for row in part.dilemmas if row.pressure),
        ]
    )
