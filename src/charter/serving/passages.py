"""Passages of the document for a question: those that evaluation would show."""

from threading import Lock

from charter.project.devices import resolve_device
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk
from charter.project.storage import read_rows
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import load_index


class Passages:
    """The chunks of a corpus by id and the index over them, searched by one request at a time."""

    def __init__(self, params: Params, paths: CorpusPaths):
        """Load them, and the encoder.

        Raises:
            CharterError: They are missing, or not of one state.
        """
        self.chunks = {chunk.id: chunk for chunk in read_rows(paths.chunks, Chunk)}
        self.encoder = Encoder(paths.encoder, resolve_device(params.compute))
        self._index = load_index(paths.index, self.encoder, params.retrieval)
        self._count = params.retrieval.passages
        self._lock = Lock()

    def find(self, question: str) -> list[Chunk]:
        """Return the passages nearest to a question, best first: chunks, or what of them is shown."""
        with self._lock:
            found = self._index.search([question], self._count)[0]
        return [self.chunks[passage.chunk_id].narrowed(passage.span) for passage in found]
