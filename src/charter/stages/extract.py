"""The extract stage: documents -> data/documents/CORPUS.jsonl and data/chunks/CORPUS.jsonl."""

import sys
from array import array
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryFile
from typing import IO, Any

from tqdm import tqdm
from transformers import PreTrainedTokenizerFast

from charter.documents.chunking import CountTokens, chunk_document, chunked_share
from charter.documents.extraction import extract_documents
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Document, take_evenly
from charter.project.sections import Extract
from charter.project.storage import atomic_path, write_rows

_LEAST_COVERAGE = 0.95


def run(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Extract and chunk the documents of a corpus, one in memory at a time.

    Returns:
        Counts of documents, their languages, pages, characters and chunks; ``coverage``, the least share of
        a document's body that came into its chunks (before ``extract.limit``); the letters and digits removed
        as running lines and as tables of contents, which are no body; mean and most tokens of a chunk.

    Raises:
        CharterError: The corpus isn't in params.yaml, a document can't be read, or there are no chunks.
    """
    if paths.name not in params.corpora:
        raise CharterError(f"corpora.{paths.name}: no such corpus in params.yaml; `charter add` makes one")
    source = paths.root / params.corpora[paths.name].path
    count_tokens = _token_counter(paths.encoder)
    totals: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    covered: list[float] = []
    tokens = array("L")
    paths.chunks.parent.mkdir(parents=True, exist_ok=True)
    # Which chunks a limit takes is known when all are counted, so they wait in a nameless file.
    with TemporaryFile("w+", encoding="utf-8", dir=paths.chunks.parent) as waiting:

        def chunked() -> Iterator[Document]:
            for document in extract_documents(source):
                share = _write_chunks(document, params.extract, count_tokens, waiting, tokens)
                if share < _LEAST_COVERAGE:
                    lost = f"only {share:.1%} of its text came into chunks"
                    tqdm.write(f"{source / document.name}: {lost}", file=sys.stderr)
                covered.append(share)
                languages[document.language or "unknown"] += 1
                totals["pages"] += len(document.page_starts)
                totals["characters"] += len(document.text)
                totals["running"] += document.running
                totals["contents"] += document.contents
                yield document

        with atomic_path(paths.documents) as documents_file:
            write_rows(documents_file, chunked())
            if not tokens:
                raise CharterError(f"{source}: no chunks: the documents have headings only")
            # Without a limit a range, since a set of them all would grow with the documents.
            numbers = range(len(tokens))
            limit = params.extract.limit
            kept: Collection[int] = set(take_evenly(numbers, limit)) if limit else numbers
            with atomic_path(paths.chunks) as chunks_file:
                _copy_lines(waiting, kept, chunks_file)
    return {
        "documents": len(covered),
        "languages": dict(languages.most_common()),
        "pages": totals["pages"],
        "characters": totals["characters"],
        "chunks": len(kept),
        "coverage": min(covered),
        "removed_running_lines": totals["running"],
        "removed_contents": totals["contents"],
        "tokens_mean": fmean(tokens[number] for number in kept),
        "tokens_max": max(tokens[number] for number in kept),
    }


def _write_chunks(
    document: Document, settings: Extract, count_tokens: CountTokens, file: IO[str], tokens: "array[int]"
) -> float:
    """Write the chunks of a document, add the tokens of each, and return the document's coverage."""
    chunks = chunk_document(document, settings.max_tokens, settings.min_tokens, count_tokens)
    for chunk in chunks:
        file.write(chunk.model_dump_json() + "\n")
        tokens.append(count_tokens(chunk.text))
    return chunked_share(document, chunks)


def _copy_lines(source: IO[str], kept: Collection[int], target: Path) -> None:
    source.seek(0)
    with target.open("w", encoding="utf-8") as file:
        file.writelines(line for number, line in enumerate(source) if number in kept)


def _token_counter(encoder: Path) -> CountTokens:
    """Count tokens as the encoder does, but each character of a word that it doesn't know.

    A script that it doesn't know would be a few tokens a page otherwise.
    """
    # Not AutoTokenizer, which imports torch: 200 MB and seconds for the same tokens.
    loaded = PreTrainedTokenizerFast.from_pretrained(encoder)
    # Called directly, it takes two thirds of the time.
    tokenizer = loaded.backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    unknown = loaded.unk_token_id

    def count_tokens(text: str) -> int:
        encoding = tokenizer.encode(text, add_special_tokens=False)
        if unknown not in encoding.ids:
            return len(encoding.ids)
        spans: list[tuple[int, int]] = [
            span for token, span in zip(encoding.ids, encoding.offsets, strict=True) if token == unknown
        ]
        return len(encoding.ids) - len(spans) + sum(end - start for start, end in spans)

    return count_tokens
