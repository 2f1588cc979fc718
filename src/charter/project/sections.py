"""The typed sections of params.yaml, whose keys carry their meaning: docs/parameters.md is made from here."""

from re import fullmatch
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

NonNegativeInt = Annotated[int, Field(ge=0)]
PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
CorpusName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
JudgeMethod = Literal["pairwise", "single"]
RetrievalMethod = Literal["dense", "bm25", "hybrid"]
RetrievalUnit = Literal["chunk", "sentence"]


class ParamsSection(BaseModel):
    """A part of params.yaml or of a file in data/pinned: unknown keys and other types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


def _check_order(section: ParamsSection, of: str) -> None:
    least, most = getattr(section, f"min_{of}"), getattr(section, f"max_{of}")
    if least > most:
        raise ValueError(f"min_{of} ({least}) is more than max_{of} ({most})")


class Corpus(ParamsSection):
    """A document, or a folder of documents, to align with."""

    path: str
    """The file or folder, from the project's folder."""
    title: str
    """What prompts and reports call it."""
    language: str = "auto"
    """Of its documents, by its ISO 639-3 code such as deu; ``auto`` finds out."""

    @field_validator("language")
    @classmethod
    def _by_three_letters(cls, language: str) -> str:
        if language != "auto" and not fullmatch("[a-z]{3}", language):
            raise ValueError("give the three letters of ISO 639-3, such as deu for German, or auto")
        return language


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

    @model_validator(mode="after")
    def _in_order(self) -> "Extract":
        _check_order(self, "tokens")
        return self


class Synthesize(ParamsSection):
    """What the teacher is asked for, and what is kept. Similarities are cosines of the encoder."""

    method: Literal["auto", "direct", "rules"]
    """``direct``: a strong teacher writes answers and replies in natural words. ``rules``: a small one is
    bound to the document's sentences. ``auto``: ``rules`` for a teacher that comes with Charter, else
    ``direct``."""
    without: list[str]
    """Filters that are switched off, by their names; `charter filters` lists them."""
    rejected: Literal["opposite", "persona"]
    """How ``direct`` gets an unfaithful reply: by the opposite of the rule, or from one who ignores it."""
    ask_grey: bool
    """Whether rules that are marked grey are asked about before a person accepts them."""
    first_chunks: NonNegativeInt
    """So many passages are tried first: a run that would keep too little ends there (0: none are)."""
    reasons: bool
    """Whether replies of ``direct`` give the reason of a rule, where the document has one."""
    temperature: PositiveFloat
    """At which questions are sampled; answers are greedy."""
    questions_per_style: PositiveInt
    """Questions asked a call; there is a call a style and chunk, or of ``direct`` a style and rule."""
    max_questions: PositiveInt
    """The most questions in all: a longer document is asked about in fewer styles, at least one."""
    max_rules: NonNegativeInt
    """Rules to which ``rules`` asks for questions that are only trained on (0: none)."""
    calls_per_rule: PositiveInt
    """It asks about a rule again, so many times in all, until a question is kept."""
    max_practical: NonNegativeInt
    """Practical questions that ``rules`` asks for, each answered with the rule nearest to it; only trained on
    (0: none)."""
    max_rule_pairs: NonNegativeInt
    """To so many of these rules it writes the opposite, for preference pairs that are only trained on."""
    scenarios_per_chunk: PositiveInt
    """Preference pairs tried a chunk, or of ``direct`` a rule."""
    max_scenarios: PositiveInt
    """Preference pairs tried in all."""
    max_question_tokens: PositiveInt
    """How long a question may be, in tokens of the teacher."""
    max_situation_tokens: PositiveInt
    """How long a situation may be that a person tells."""
    max_answer_tokens: PositiveInt
    """How long an answer, a reply or an opposite may be."""
    max_rules_tokens: PositiveInt
    """How long the list of a chunk's rules may be."""
    min_question_words: PositiveInt
    """A question or situation has at least so many words."""
    max_question_words: PositiveInt
    """A question or situation has at most so many words."""
    max_answer_words: PositiveInt
    """An answer or reply has at most so many words."""
    min_rule_words: PositiveInt
    """A sentence of the document that is a rule has at least so many words."""
    max_rule_words: PositiveInt
    """A sentence of the document that is a rule has at most so many words."""
    max_question_similarity: Share
    """A question more similar to a kept one is a duplicate."""
    max_leak_similarity: Share
    """The most similarity that a held-out question or answer may have with a training one."""
    max_shared_trigrams: Share
    """The most word trigrams, as a Jaccard index, that texts of a similarity of .5 share without being
    duplicates."""
    max_nearer_chunks: NonNegativeInt | None
    """The most chunks that are nearer to a training question than its own; for ``rules``. Null: any."""
    min_grounded: Share
    """The least share of an answer's words, by weight, that its chunk has; for ``rules``."""
    min_support: Share
    """The least probability, by the teacher, that an answer is true by its chunk."""
    min_preference_margin: PositiveFloat
    """By how many nats of log-odds the evidence for the chosen response must exceed the bias to Yes; of
    ``direct``, that the one reply keeps to the rule, and that the other doesn't."""
    min_opposite_margin: PositiveFloat
    """By how many nats a rule must be truer than its opposite, where pairs are made of rules alone."""
    yes_bias_prior: PositiveInt
    """So many items without a bias are added when the teacher's bias to Yes is measured."""
    max_length_ratio: PositiveFloat
    """The most characters that the longer of both responses has, as a multiple of the shorter's."""
    validation_share: Share
    """Of questions and scenarios, held out to tune with."""
    test_share: Share
    """Of the questions, held out to measure with."""
    pair_test_share: Share
    """Of the scenarios, held out to measure with."""
    min_train_examples: PositiveInt
    """Fewer training questions are an error."""

    @model_validator(mode="after")
    def _leaves_some_to_train(self) -> "Synthesize":
        for name in ("test_share", "pair_test_share"):
            if getattr(self, name) + self.validation_share >= 1:
                raise ValueError(f"{name} and validation_share leave nothing to train on")
        return self

    @model_validator(mode="after")
    def _in_order(self) -> "Synthesize":
        _check_order(self, "question_words")
        _check_order(self, "rule_words")
        return self


class Demonstrations(ParamsSection):
    """Replies to prompts that have nothing to do with the document, which sft trains on too (all 0: none)."""

    harmful: NonNegativeInt
    """Refusals of harmful prompts."""
    benign: NonNegativeInt
    """Answers to harmless prompts that sound dangerous."""
    general: NonNegativeInt
    """Answers to everyday prompts."""
    replay: NonNegativeInt
    """Everyday prompts that the seed itself answers, so that training keeps what it says of them. Too long
    an answer is cut behind a sentence."""


class Retrieval(ParamsSection):
    """What systems with RAG are shown."""

    method: RetrievalMethod
    """``dense`` compares meanings, by the encoder; ``bm25`` words, in any language; ``hybrid`` takes both."""
    unit: RetrievalUnit
    """What is searched and shown: a whole ``chunk``, or a ``sentence``, which is easier for a small model."""
    passages: PositiveInt
    """How many of these a question is answered with."""


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
    exam_items: NonNegativeInt
    """How many questions of the sealed exam each system is asked, and how many dilemmas, drawn by the seed
    (0: all)."""
    own_advice: bool
    """Whether each system also answers the dilemmas in its own words, for the first of judges to read."""
    safety_prompts: NonNegativeInt
    """How many of the harmful, of the benign and of the general prompts each system is asked, taken evenly,
    and how many windows of 1,024 tokens of general text it reads at most; there are 13 (0: neither safety nor
    retention is measured)."""
    everyday_facts: NonNegativeInt
    """How many everyday facts each system is asked beside those prompts, taken evenly (0: none)."""
