"""What the tests of synthesis share."""

import pytest
import torch

from charter.project.paths import ProjectPaths
from charter.retrieval.encoder import Encoder


@pytest.fixture(scope="session")
def encoder(base_models: ProjectPaths) -> Encoder:
    return Encoder(base_models.encoder, torch.device("cpu"))
