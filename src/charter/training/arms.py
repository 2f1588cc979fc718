"""What an arm trains on, where it isn't what the main training does. Nothing is trained here."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from charter.project.params import Params
from charter.project.records import InstructExample, PreferencePair
from charter.project.training_sections import Arm
from charter.training.answers import SftRows


def arm_params(arm: Arm, params: Params) -> Params:
    """Return the parameters that an arm is trained by."""
    changed = {} if arm.seed is None else {"seed": arm.seed}
    if arm.dpo != "chosen":
        return params.model_copy(update=changed)
    chosen = params.dpo.model_copy(update={"loss": "sft", "sft_weight": 0.0})
    return params.model_copy(update={**changed, "dpo": chosen})


def arm_rows(arm: Arm, rows: SftRows, seed: int) -> SftRows:
    """Return the rows that an arm's sft is trained on."""
    match arm.sft:
        case "document":
            return replace(rows, demonstrations=[], exercises=[])
        case "demonstrations":
            return replace(rows, train=[])
        case "shuffled":
            return replace(rows, train=_shuffled(rows.train, seed))
        case _:
            return rows


def arm_pairs(arm: Arm, pairs: Sequence[PreferencePair], seed: int) -> list[PreferencePair]:
    """Return the pairs that an arm's dpo is trained on; every second of the shuffled ones is swapped."""
    turned = np.arange(len(pairs)) % 2 == 0
    swaps = {
        "swapped": np.ones(len(pairs), dtype=bool),
        "shuffled": np.random.default_rng(seed).permutation(turned),
    }.get(arm.dpo, np.zeros(len(pairs), dtype=bool))
    return [_swap(pair) if swap else pair for pair, swap in zip(pairs, swaps, strict=True)]


def _swap(pair: PreferencePair) -> PreferencePair:
    return pair.model_copy(update={"chosen": pair.rejected, "rejected": pair.chosen})


def _shuffled(rows: Sequence[InstructExample], seed: int) -> list[InstructExample]:
    order = np.random.default_rng(seed).permutation(len(rows))
    return [
        row.model_copy(update={"answer": rows[other].answer}) for row, other in zip(rows, order, strict=True)
    ]
