"""The rag-index stage: chunks -> data/index/CORPUS."""

import sys

from tqdm import tqdm

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
    if params.retrieval.method != "bm25" and params.retrieval.unit == "chunk":
        _tell_what_is_cut(encoder.count_cut([chunk.text for chunk in chunks]), len(chunks), paths.name)
    return {"chunks": len(chunks), "units": len(index.units), "dimensions": encoder.dimensions}


def _tell_what_is_cut(cut: int, chunks: int, corpus: str) -> None:
    if cut:
        tqdm.write(
            f"{corpus}: the encoder reads {cut} of {chunks} chunks in part, so how these end isn't searched: "
            "lower extract.max_tokens, or take an encoder that reads more",
            file=sys.stderr,
        )
