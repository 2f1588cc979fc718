"""The extract stage: documents -> data/documents/CORPUS.jsonl and data/chunks/CORPUS.jsonl."""

from statistics import fmean

from transformers import AutoTokenizer

from charter.documents.chunking import chunk_document, coverage
from charter.documents.extraction import extract_documents
from charter.errors import CharterError
from charter.params import Params
from charter.paths import CorpusPaths
from charter.records import Chunk, Document, take_evenly
from charter.storage import write_rows


def run(params: Params, paths: CorpusPaths) -> dict[str, float]:
    """Extract and chunk the documents of a corpus.

    Returns:
        Counts of documents, pages, characters and chunks; ``coverage``, the least share of a document's
        text that came into its chunks (before ``extract.limit``); mean and most tokens of a chunk.

    Raises:
        CharterError: The corpus isn't in params.yaml, a document can't be read, or there are no chunks.
    """
    if paths.name not in params.corpora:
        raise CharterError(f"corpora.{paths.name}: no such corpus in params.yaml; `charter add` makes one")
    source = paths.root / params.corpora[paths.name].path
    tokenizer = AutoTokenizer.from_pretrained(paths.encoder)

    def count_tokens(text: str) -> int:
        # Not verbose: it would warn of every text longer than the encoder reads.
        return len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    settings = params.extract
    documents: list[Document] = []
    chunks: list[Chunk] = []
    covered: list[float] = []
    for document in extract_documents(source):
        own = chunk_document(document, settings.max_tokens, settings.min_tokens, count_tokens)
        documents.append(document)
        chunks += own
        covered.append(coverage(document, own))
    if not chunks:
        raise CharterError(f"{source}: no chunks: the documents have headings only")
    chunks = take_evenly(chunks, settings.limit or len(chunks))
    write_rows(paths.documents, documents)
    write_rows(paths.chunks, chunks)
    tokens = [count_tokens(chunk.text) for chunk in chunks]
    return {
        "documents": len(documents),
        "pages": sum(len(document.page_starts) for document in documents),
        "characters": sum(len(document.text) for document in documents),
        "chunks": len(chunks),
        "coverage": min(covered),
        "tokens_mean": fmean(tokens),
        "tokens_max": max(tokens),
    }
