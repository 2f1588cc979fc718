"""What the steps of a synthesis have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

from charter.generation.journal import JournaledEngine
from charter.project.devices import resolve_device
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk
from charter.project.sections import Synthesize
from charter.project.storage import read_rows
from charter.retrieval.encoder import Encoder
from charter.synthesis.requests import TeacherRequests


@dataclass(frozen=True)
class SynthesisContext:
    """All chunks of a corpus, and the requests about them that are put to the teacher."""

    chunks: Sequence[Chunk]
    requests: TeacherRequests
    teacher: JournaledEngine
    encoder: Encoder
    settings: Synthesize
    seed: int


def open_context(params: Params, paths: CorpusPaths, teacher: JournaledEngine) -> SynthesisContext:
    """Read a corpus's chunks and load the encoder.

    Raises:
        CharterError: Either isn't there.
    """
    return SynthesisContext(
        chunks=read_rows(paths.chunks, Chunk),
        requests=TeacherRequests(params.corpora[paths.name].title, params.synthesize.temperature),
        teacher=teacher,
        encoder=Encoder(paths.encoder, resolve_device(params.compute)),
        settings=params.synthesize,
        seed=params.seed,
    )
