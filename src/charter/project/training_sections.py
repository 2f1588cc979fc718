"""The sections of params.yaml about training: how the adapters of cft, sft and dpo are trained."""

from typing import Literal

from charter.project.sections import NonNegativeFloat, ParamsSection, PositiveFloat, PositiveInt, Share


class Lora(ParamsSection):
    """LoRA (Hu et al., 2022) of all linear layers but the output head."""

    rank: PositiveInt
    """The rank of the update."""
    alpha: PositiveInt
    """The update is scaled by ``alpha / rank``."""
    dropout: Share
    """Dropout before the update, in training."""


class Optimization(ParamsSection):
    """What all trainings share."""

    learning_rate: PositiveFloat
    """The highest, after the warm-up."""
    epochs: PositiveFloat
    """Passes over the training rows."""
    batch_size: PositiveInt
    """Rows a process and pass."""
    gradient_accumulation: PositiveInt
    """Passes a step of the optimiser."""
    warmup_share: Share
    """The share of the steps in which the learning rate rises."""
    weight_decay: NonNegativeFloat
    """Of AdamW."""
    max_length: PositiveInt
    """The most tokens of a row."""
    gradient_checkpointing: bool
    """Compute activations twice, to hold fewer in memory."""


class Training(Optimization):
    """The training of a new adapter."""

    lora: Lora
    """The adapter's size."""


class OpenBook(ParamsSection):
    """Questions that sft also trains on with passages in view, as retrieval shows them (both 0: none)."""

    passages: PositiveInt
    """How many are shown with a question; as many as retrieval.passages is how the model will be asked."""
    right: Share
    """The share of the rows put with the passage that supports the answer."""
    wrong: Share
    """The share of the rows put with other passages alone; the answer is that the document doesn't say."""


class Sft(Training):
    """Fine-tuning on answers."""

    open_book: OpenBook
    """Training as with retrieval."""

    best_epoch: bool
    """Keep the weights of the epoch with the lowest validation loss, in place of the last one's.

    That loss rises while a small model learns a document's facts by heart, and its answers get better.
    """


class Dpo(Optimization):
    """DPO (Rafailov et al., 2023) from the SFT adapter, against the SFT model as reference."""

    best_epoch: bool
    """Keep the weights of the epoch with the lowest validation loss, in place of the last one's."""
    beta: PositiveFloat
    """The strength of the pull to the reference."""
    loss: Literal["sigmoid", "ipo", "robust", "apo_zero"]
    """The loss on a pair; ``sigmoid`` is the paper's."""
    sft_weight: NonNegativeFloat
    """The weight of an added likelihood term on the chosen response (0: none)."""
