from pathlib import Path

import pytest

from charter.evaluation.local_system import LocalSystem
from charter.project.params import Params
from charter.stages import evaluate

pytestmark = pytest.mark.models


def test_answers_over_quantised_weights_are_others_and_the_evaluation_says_so(
    tiny_seed: Path, params: Params, tmp_path: Path
) -> None:
    nf4 = params.model_copy(
        update={"compute": params.compute.model_copy(update={"quantization": "nf4", "device": "cpu"})}
    )
    identities = set()
    for compute in (params.compute, nf4.compute):
        with LocalSystem(tiny_seed, None, compute, 1).open(tmp_path / "journal.sqlite") as engine:
            identities.add(engine.identity)
    assert len(identities) == 2
    assert evaluate._weights(params) == {}
    assert evaluate._weights(nf4) == {"weights": "nf4, adapters unmerged, as in training"}
