"""The rag-index stage: chunks -> data/index/CORPUS."""

from charter.params import Params
from charter.paths import CorpusPaths
from charter.records import Chunk
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import build_index
from charter.storage import read_rows


def run(params: Params, paths: CorpusPaths) -> dict[str, float]:
    """Index the chunks; return how many there are and the length of a vector.

    Raises:
        CharterError: There are no chunks, or no encoder.
    """
    chunks = read_rows(paths.chunks, Chunk)
    device = None if params.compute.device == "auto" else params.compute.device
    encoder = Encoder(paths.encoder, device)
    build_index(chunks, encoder).save(paths.index)
    return {"chunks": len(chunks), "dimensions": encoder.dimensions}
