from pathlib import Path

import numpy as np
import pytest
import torch

from charter.project.errors import CharterError
from charter.project.paths import ProjectPaths
from charter.project.storage import directory_sha256
from charter.retrieval.encoder import Encoder


@pytest.mark.models
def test_vectors_have_length_one_and_mean_something(base_models: ProjectPaths) -> None:
    encoder = Encoder(base_models.encoder, torch.device("cpu"))
    vectors = encoder.encode(
        ["Nobody may be enslaved.", "Slavery is forbidden.", "Invoices are due in March."]
    )
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, encoder.dimensions)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3
    assert encoder.sha256 == directory_sha256(base_models.encoder)


@pytest.mark.models
def test_no_texts_give_no_vectors(base_models: ProjectPaths) -> None:
    encoder = Encoder(base_models.encoder, torch.device("cpu"))
    assert encoder.encode([]).shape == (0, encoder.dimensions)


def test_missing_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CharterError, match="no encoder here"):
        Encoder(tmp_path / "none", torch.device("cpu"))
