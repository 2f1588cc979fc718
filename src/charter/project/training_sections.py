"""The sections of params.yaml about training: how the adapters of cft, sft and dpo are trained."""

from typing import Literal

from pydantic import model_validator

from charter.project.sections import (
    CorpusName,
    NonNegativeFloat,
    NonNegativeInt,
    ParamsSection,
    PositiveFloat,
    PositiveInt,
    Share,
)


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
    """How many are shown with a question, of what retrieval finds."""
    right: Share
    """The share of the rows put with what retrieval finds, what supports the answer among it."""
    wrong: Share
    """The share of the rows put with what it finds elsewhere; the answer is that the document doesn't say."""
    answer: Literal["written", "sentence"]
    """What is learnt beside the right passage: the answer as it is ``written``, or the ``sentence`` of the
    passage that it rests on, so that a small model has less to make up."""
    exercises: NonNegativeInt
    """How many questions on made-up documents are trained on too, with sentences of these in view: to answer
    yes or no by a sentence, and to say that none answers (0: none). They are in the document's language, if
    data/reading has a file of it."""


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
    loss: Literal["sigmoid", "ipo", "robust", "apo_zero", "sft"]
    """The loss on a pair; ``sigmoid`` is the paper's. ``sft`` is the likelihood of the chosen response alone:
    as many further steps of SFT, to compare with."""
    sft_weight: NonNegativeFloat
    """The weight of an added likelihood term on the chosen response (0: none)."""


class Arm(ParamsSection):
    """One more training, which differs from the main one in what is named here and in nothing else."""

    corpus: CorpusName
    """Whose models are trained once more."""
    seed: NonNegativeInt | None = None
    """Another seed: the first weights of the adapter, the order of the rows, the passages shown."""
    sft: Literal["all", "document", "demonstrations", "shuffled"] = "all"
    """The rows of sft: those about the document alone, the demonstrations alone, or all with the document's
    answers shuffled among its questions."""
    dpo: Literal["pairs", "swapped", "shuffled", "chosen", "none"] = "pairs"
    """The pairs of dpo: chosen and rejected in each other's place, or so in half of them; ``chosen`` trains
    on the chosen responses alone, in as many steps; ``none`` ends after sft."""

    @property
    def trains_sft(self) -> bool:
        """Whether it has an SFT model of its own."""
        return self.seed is not None or self.sft != "all"

    @property
    def stages(self) -> tuple[Literal["sft", "dpo"], ...]:
        """What is trained."""
        return (*(("sft",) if self.trains_sft else ()), *(("dpo",) if self.dpo != "none" else ()))

    @property
    def is_repeat(self) -> bool:
        """Whether it differs by chance alone."""
        return self.sft == "all" and self.dpo == "pairs"

    @model_validator(mode="after")
    def _differs(self) -> "Arm":
        if not self.stages or (self.is_repeat and self.seed is None):
            raise ValueError("is the main training itself; set seed, sft or dpo")
        if self.sft == "demonstrations" and self.dpo != "none":
            raise ValueError("demonstrations alone go with dpo: none, since all pairs are about the document")
        return self
