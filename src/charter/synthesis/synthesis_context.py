"""What the steps of a synthesis have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

from charter.generation.journal import JournaledEngine
from charter.project.records import Chunk
from charter.project.sections import Synthesize
from charter.retrieval.encoder import Encoder
from charter.synthesis.requests import TeacherRequests


@dataclass(frozen=True)
class SynthesisContext:
    """All chunks of a corpus, who is asked about them, and how.

    ``requests`` are put to ``teacher``, ``encoder`` compares texts, ``settings`` and ``seed`` are those of
    params.yaml.
    """

    chunks: Sequence[Chunk]
    requests: TeacherRequests
    teacher: JournaledEngine
    encoder: Encoder
    settings: Synthesize
    seed: int
