"""The typed sections of params.yaml, whose keys carry their meaning: docs/parameters.md is made from here."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

NonNegativeInt = Annotated[int, Field(ge=0)]
PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
CorpusName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
JudgeMethod = Literal["pairwise", "single"]


class ParamsSection(BaseModel):
    """A part of params.yaml or of a file in data/pinned: unknown keys and other types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class Corpus(ParamsSection):
    """A document, or a folder of documents, to align with."""

    path: str
    """The file or folder, from the project's folder."""
    title: str
    """What prompts and reports call it."""


class ModelSource(ParamsSection):
    """Where a model comes from: exactly one of the three."""

    artifact: str | None = None
    """A name in data/pinned/models.yaml: files that are fetched by their hashes."""
    hub: str | None = None
    """``owner/name@revision`` on the Hugging Face hub."""
    served: str | None = None
    """The name under which the OpenAI-compatible server at ``teacher.base_url`` offers the model."""
    revision: str | None = None
    """Your own word for a served model's weights: change it when you put others behind that name, and
    everything is asked anew."""

    @field_validator("hub")
    @classmethod
    def _at_a_revision(cls, hub: str | None) -> str | None:
        if hub is not None and not all(hub.partition("@")):
            raise ValueError("give owner/name@revision, so that a run can be repeated")
        return hub

    @model_validator(mode="after")
    def _exactly_one(self) -> "ModelSource":
        if sum(value is not None for value in (self.artifact, self.hub, self.served)) != 1:
            raise ValueError("give exactly one of artifact, hub, served")
        if self.revision is not None and self.served is None:
            raise ValueError("revision goes with served; that of a hub model is in owner/name@revision")
        return self

    @property
    def name(self) -> str:
        """The name of the model, whichever of the three says it."""
        return self.artifact or self.hub or self.served or ""


class BaseModels(ParamsSection):
    """The three models that everything starts from."""

    seed: ModelSource
    """The model that is aligned."""
    teacher: ModelSource
    """The model that writes the training data and judges answers."""
    encoder: ModelSource
    """The sentence encoder: it counts tokens of chunks, measures similarity, and retrieves passages."""


class Compute(ParamsSection):
    """How torch runs."""

    device: Literal["auto", "cpu", "cuda"]
    """``auto`` takes the GPU where there is one."""
    dtype: Literal["auto", "float32", "bfloat16"]
    """The type to compute in; ``auto`` is bfloat16 where the device multiplies it natively."""
    quantization: Literal["none", "nf4"]
    """``nf4`` holds the seed in 4 bits while adapters train over it (QLoRA, Dettmers et al., 2023)."""
    attention: Literal["sdpa", "eager", "flash_attention_2"]
    """The implementation of attention in transformers."""
    processes: PositiveInt
    """In how many processes a training runs: one a GPU, or sharing the processor's cores."""


class Teacher(ParamsSection):
    """How the teacher is run, for synthesis and as a judge."""

    engine: Literal["openvino", "transformers", "openai"]
    """``openvino`` reads GGUF on the CPU, ``transformers`` runs in process, ``openai`` asks a server."""
    base_url: str | None
    """The address of the server that ``openai`` asks, such as http://127.0.0.1:8000/v1."""
    concurrency: PositiveInt
    """How many sequences or requests are under way at once."""
    cache_gigabytes: PositiveInt
    """Memory of the key/value cache of ``openvino``, in gigabytes."""


class Prices(ParamsSection):
    """What a server charges for a million tokens."""

    unit: Annotated[str, Field(min_length=1)]
    """What the prices are in, such as EUR."""
    input: NonNegativeFloat
    """For a million tokens read."""
    output: NonNegativeFloat
    """For a million tokens written."""


class Budget(ParamsSection):
    """What one run of synthesize may ask of the teacher, whichever limit is reached first; null is no limit.

    It is a section of its own, in no stage's params: a limit or a price changes how a result is reached and
    never what it is, so raising one makes DVC run nothing again.
    """

    requests: PositiveInt | None
    """Requests that the journal doesn't answer."""
    minutes: PositiveFloat | None
    """Minutes from when the stage opens the teacher."""
    cost: PositiveFloat | None
    """Cost by ``prices``, in their unit."""
    prices: Prices | None
    """Null where the teacher costs nothing."""

    @model_validator(mode="after")
    def _priced(self) -> "Budget":
        if self.cost is not None and self.prices is None:
            raise ValueError("a limit on cost needs budget.prices")
        return self


class Extract(ParamsSection):
    """Chunking."""

    max_tokens: PositiveInt
    """The most tokens of the encoder that a chunk has."""
    min_tokens: PositiveInt
    """A chunk with fewer shares the sentences of its neighbour evenly."""
    limit: NonNegativeInt
    """Take so many chunks, evenly from the whole (0: all)."""


class Synthesize(ParamsSection):
    """What the teacher is asked for, and what is kept. Similarities are cosines of the encoder."""

    temperature: PositiveFloat
    """At which questions are sampled; answers are greedy."""
    questions_per_style: PositiveInt
    """Questions asked a call; there is a call a style and chunk."""
    max_questions: PositiveInt
    """The most questions in all: a longer document is asked about in fewer styles a chunk, at least one."""
    max_rules: NonNegativeInt
    """Rules of the document that the teacher writes questions to, which are only trained on (0: none)."""
    max_rule_pairs: NonNegativeInt
    """To so many of these rules it writes the opposite, for preference pairs that are only trained on."""
    scenarios_per_chunk: PositiveInt
    """Preference pairs tried a chunk."""
    max_scenarios: PositiveInt
    """Preference pairs tried in all: from at most ``max_scenarios / scenarios_per_chunk`` chunks."""
    max_question_similarity: Share
    """A question more similar to a kept one is a duplicate."""
    max_leak_similarity: Share
    """The most similarity that a held-out question may have with a training one."""
    min_support: Share
    """The least probability, by the teacher, that an answer is true by its chunk."""
    min_preference_margin: PositiveFloat
    """By how many nats of log-odds the evidence for the chosen response must exceed the bias to Yes."""
    max_length_ratio: PositiveFloat
    """The most characters that the longer of a rule and its opposite has, as a multiple of the shorter's."""
    validation_share: Share
    """Of questions and scenarios, held out to tune with."""
    test_share: Share
    """Of the questions, held out to measure with."""
    pair_test_share: Share
    """Of the scenarios, held out to measure with."""
    min_train_examples: PositiveInt
    """Fewer training questions are an error."""


class Demonstrations(ParamsSection):
    """Replies to prompts that have nothing to do with the document, which sft trains on too (all 0: none)."""

    harmful: NonNegativeInt
    """Refusals of harmful prompts."""
    benign: NonNegativeInt
    """Answers to harmless prompts that sound dangerous."""
    general: NonNegativeInt
    """Answers to everyday prompts."""


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


class Sft(Training):
    """Fine-tuning on answers."""

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


class Retrieval(ParamsSection):
    """What systems with RAG are shown."""

    passages: PositiveInt
    """How many chunks a question is answered with."""


class Evaluate(ParamsSection):
    """Evaluation; answers are greedy."""

    max_new_tokens: PositiveInt
    """The most tokens of an answer."""
    batch_size: PositiveInt
    """Questions answered at once."""
    bootstrap_samples: PositiveInt
    """Resamples behind each interval."""
    judge: JudgeMethod
    """``pairwise`` shows the judge two answers, in both orders; ``single`` asks of each alone whether it is
    right, and prefers by the ratio of the odds."""
    judge_items: NonNegativeInt
    """The most questions that are judged (0: all)."""
    judge_min_validity: Share
    """The share of its controls that the judge must be seen to decide rightly for its win rates to count."""
    safety_prompts: NonNegativeInt
    """How many of the harmful, of the benign and of the general prompts each system is asked, taken evenly
    (0: neither safety nor retention is measured)."""
