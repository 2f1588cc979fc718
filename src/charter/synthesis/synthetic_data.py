"""The data of a corpus as synthesis left it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from charter.project.errors import CharterError
from charter.project.paths import CorpusPaths
from charter.project.records import SPLITS, Chunk, InstructExample, PreferencePair, Rejected, Rule
from charter.project.review_records import DataRow, RowMark
from charter.project.storage import read_rows
from charter.synthesis.rule_decisions import read_rules


@dataclass(frozen=True)
class SyntheticData:
    """The chunks of a corpus, its rules as decided, what was made of them, by split, and what was refused."""

    chunks: Sequence[Chunk]
    rules: Sequence[Rule]
    instruct: Mapping[str, Sequence[InstructExample]]
    preference: Mapping[str, Sequence[PreferencePair]]
    rejected: Sequence[Rejected]
    scores: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    """Of rows that are being written, by question: what filters that ask the teacher gave, by their names."""
    marks: Sequence[RowMark] = ()
    """What people did to rows."""

    def rows(self) -> dict[str, tuple[str, DataRow]]:
        """Return all rows of both data sets by their ids, each with its split."""
        found: dict[str, tuple[str, DataRow]] = {}
        for split in SPLITS:
            rows: list[DataRow] = [*self.instruct[split], *self.preference[split]]
            found |= {row.id: (split, row) for row in rows}
        return found


def read_synthetic_data(paths: CorpusPaths) -> SyntheticData:
    """Read all rows of a corpus.

    Raises:
        CharterError: A file is missing or broken, or a row was made of a chunk that there is no more.
    """
    data = SyntheticData(
        chunks=read_rows(paths.chunks, Chunk),
        rules=read_rules(paths, ask_grey=True),
        instruct={split: read_rows(paths.instruct(split), InstructExample) for split in SPLITS},
        preference={split: read_rows(paths.preference(split), PreferencePair) for split in SPLITS},
        rejected=read_rows(paths.rejected, Rejected),
        marks=read_rows(paths.row_marks, RowMark) if paths.row_marks.exists() else (),
    )
    known = {chunk.id for chunk in data.chunks}
    for split, row in data.rows().values():
        if row.chunk_id not in known:
            raise CharterError(
                f"{paths.chunks}: no chunk {row.chunk_id}, of which row {row.id} ({split}) was made: the "
                f"data are of another state of the document; run `dvc repro synthesize@{paths.name}`"
            )
    return data
