"""The extract stage: documents -> data/documents/CORPUS.jsonl and data/chunks/CORPUS.jsonl."""

import sys
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import IO, Any

from tqdm import tqdm
from transformers import PreTrainedTokenizerFast

from charter.documents.chunking import CountTokens, chunk_document, chunked_share
from charter.documents.corpus_language import main_language, set_language, weak_models
from charter.documents.extraction import extract_documents
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Document
from charter.project.sampling import take_evenly
from charter.project.storage import atomic_path, write_rows

_LEAST_COVERAGE = 0.95


def run(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Extract and chunk the documents of a corpus, one in memory at a time.

    Returns:
        Counts of documents, their languages, pages, characters and chunks; ``coverage``, the least share of
        a document's body that came into its chunks (before ``extract.limit``); the letters and digits removed
        as running lines and as tables of contents, which are no body; mean and most tokens of a chunk.

    Raises:
        CharterError: The corpus isn't in params.yaml, its language is none that is known, a document can't be
            read, or there are no chunks.
    """
    if paths.name not in params.corpora:
        raise CharterError(f"corpora.{paths.name}: no such corpus in params.yaml; `charter add` makes one")
    corpus = params.corpora[paths.name]
    source, language = paths.root / corpus.path, set_language(paths.name, corpus.language)
    count_tokens = _token_counter(paths.encoder)
    totals: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    spoken: Counter[str | None] = Counter()
    covered: list[float] = []
    tokens = array("L")

    def chunked(chunks_file: IO[str]) -> Iterator[Document]:
        for document in extract_documents(source, language):
            chunks = chunk_document(
                document, params.extract.max_tokens, params.extract.min_tokens, count_tokens
            )
            chunks_file.writelines(f"{chunk.model_dump_json()}\n" for chunk in chunks)
            tokens.extend(count_tokens(chunk.text) for chunk in chunks)
            share = chunked_share(document, chunks)
            if share < _LEAST_COVERAGE:
                lost = f"only {share:.1%} of its text came into chunks"
                tqdm.write(f"{source / document.name}: {lost}", file=sys.stderr)
            covered.append(share)
            languages[document.language or "unknown"] += 1
            spoken[document.language] += len(chunks)
            totals["pages"] += len(document.page_starts)
            totals["characters"] += len(document.text)
            totals["running"] += document.running
            totals["contents"] += document.contents
            yield document

    with atomic_path(paths.documents) as documents_path, atomic_path(paths.chunks) as chunks_path:
        with chunks_path.open("w", encoding="utf-8") as chunks_file:
            write_rows(documents_path, chunked(chunks_file))
        if not tokens:
            raise CharterError(f"{source}: no chunks: the documents have headings only")
        if params.extract.limit:
            # Which chunks a limit takes is known when all are counted.
            kept = take_evenly(range(len(tokens)), params.extract.limit)
            _keep_lines(chunks_path, set(kept))
            tokens = array("L", (tokens[number] for number in kept))
    for sentence in weak_models(params.base_models, main_language(spoken.elements())):
        tqdm.write(f"{paths.name}: {sentence}", file=sys.stderr)
    return {
        "documents": len(covered),
        "languages": dict(languages.most_common()),
        "pages": totals["pages"],
        "characters": totals["characters"],
        "chunks": len(tokens),
        "coverage": min(covered),
        "removed_running_lines": totals["running"],
        "removed_contents": totals["contents"],
        "tokens_mean": fmean(tokens),
        "tokens_max": max(tokens),
    }


def _keep_lines(path: Path, kept: set[int]) -> None:
    with path.open(encoding="utf-8") as file:
        lines = [line for number, line in enumerate(file) if number in kept]
    path.write_text("".join(lines), encoding="utf-8")


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
