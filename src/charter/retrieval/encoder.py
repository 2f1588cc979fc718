"""The sentence encoder (Reimers and Gurevych, 2019) that questions and chunks are compared with."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

from charter.project.errors import CharterError
from charter.project.storage import directory_sha256

Vectors = NDArray[np.float32]
"""Rows of length 1, so that an inner product is a cosine: float32 of shape [texts, dimensions]."""


class Encoder:
    """A sentence-transformers model in a local folder.

    Some encoders mark questions and passages differently; those that don't give all three methods the
    same result.
    """

    def __init__(self, path: Path, device: torch.device) -> None:
        """Load the model on a device, by `charter.project.devices.resolve_device`.

        Raises:
            CharterError: There is no such folder.
        """
        if not path.is_dir():
            raise CharterError(f"{path}: no encoder here; `dvc repro base-models` makes it")
        self.sha256 = directory_sha256(path)
        disable_progress_bar()
        self._model = SentenceTransformer(str(path), device=str(device), local_files_only=True)

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return int(self._model.get_embedding_dimension())

    def count_cut(self, texts: Sequence[str]) -> int:
        """Count the texts that are longer than what the model reads; it doesn't see how they end."""
        read = self._model.max_seq_length
        tokens = self._model.tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]
        return 0 if read is None else sum(len(row) > read for row in tokens)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode texts to compare them with one another; shape [texts, dimensions]."""
        return self._encode(self._model.encode, texts)

    def encode_questions(self, questions: Sequence[str]) -> Vectors:
        """Encode what passages are looked for with; shape [questions, dimensions]."""
        return self._encode(self._model.encode_query, questions)

    def encode_passages(self, passages: Sequence[str]) -> Vectors:
        """Encode what is looked for; shape [passages, dimensions]."""
        return self._encode(self._model.encode_document, passages)

    def count_nearer(
        self, questions: Sequence[str], own: Sequence[int], passages: Sequence[str]
    ) -> list[int]:
        """Count the passages that are nearer to each question than its own, ``passages[own[i]]``."""
        similarity = self.encode_questions(questions) @ self.encode_passages(passages).T
        return [int((row > row[place]).sum()) for row, place in zip(similarity, own, strict=True)]

    def _encode(self, method: Callable[..., Any], texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        vectors = method(
            list(texts),
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=sys.stderr.isatty(),
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)
