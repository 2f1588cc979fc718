"""The rag-index stage: chunks -> data/index/CORPUS."""

from charter.project.devices import resolve_device
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk
from charter.project.storage import read_rows
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import build_index


def run(params: Params, paths: CorpusPaths) -> dict[str, float]:
    """Index the chunks; return how many there are, what is searched, and the length of a vector."""
    chunks = read_rows(paths.chunks, Chunk)
    encoder = Encoder(paths.encoder, resolve_device(params.compute))
    index = build_index(chunks, encoder, params.retrieval)
    index.save(paths.index)
    return {"chunks": len(chunks), "units": len(index.units), "dimensions": encoder.dimensions}
