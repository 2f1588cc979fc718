"""Typed, strict parameters: params.yaml holds every value, this module what each may be.

There are no defaults here: a value that isn't in params.yaml doesn't exist, so DVC, which tracks that
file, sees all of them. A misspelt, missing or mistyped key fails at once and names its dotted path.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from charter.project.errors import CharterError

PARAMS_FILE = "params.yaml"

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
CorpusName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class Section(BaseModel):
    """A part of params.yaml: unknown keys and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Corpus(Section):
    """A document, or a folder of documents, to align with; ``title`` names it in prompts and reports."""

    path: str
    title: str


class ModelSource(Section):
    """Where a model comes from: exactly one of the three.

    ``artifact`` names a pinned file set of `charter.project.pinned_files`; ``hub`` is
    ``owner/name@revision`` on the Hugging Face hub; ``served`` is the name under which an OpenAI-compatible
    server offers it. ``revision`` is your own word for a served model's weights: change it when you put
    others behind that name, and everything is asked anew.
    """

    artifact: str | None = None
    hub: str | None = None
    served: str | None = None
    revision: str | None = None

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


class BaseModels(Section):
    """The three models that everything starts from."""

    seed: ModelSource
    teacher: ModelSource
    encoder: ModelSource


class Compute(Section):
    """How torch runs: ``auto`` takes the GPU where there is one and bfloat16 where it is native.

    A training runs in ``processes`` processes, one a GPU, or sharing the processor's cores.
    """

    device: Literal["auto", "cpu", "cuda"]
    dtype: Literal["auto", "float32", "bfloat16"]
    quantization: Literal["none", "nf4"]
    attention: Literal["sdpa", "eager", "flash_attention_2"]
    processes: PositiveInt


class Teacher(Section):
    """How the teacher is run, for synthesis and as a judge.

    ``openvino`` reads GGUF on the CPU, ``transformers`` runs it in process, ``openai`` asks a server at
    ``base_url``. ``concurrency`` is the number of sequences or requests under way at once;
    ``cache_gigabytes`` the memory of the openvino engine's key/value cache.
    """

    engine: Literal["openvino", "transformers", "openai"]
    base_url: str | None
    concurrency: PositiveInt
    cache_gigabytes: PositiveInt


class Prices(Section):
    """What a million tokens cost, read (``input``) and written (``output``), in any ``unit`` such as EUR."""

    unit: Annotated[str, Field(min_length=1)]
    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]


class Budget(Section):
    """What one run of synthesize may ask of the teacher, whichever limit is reached first; None is no limit.

    ``requests`` counts those that the journal doesn't answer, ``minutes`` run from when the stage opens the
    teacher, ``cost`` is in ``prices.unit``. It is a section of its own, in no stage's params: a limit or a
    price changes how a result is reached and never what it is, so raising one makes DVC run nothing again.
    """

    requests: PositiveInt | None
    minutes: PositiveFloat | None
    cost: PositiveFloat | None
    prices: Prices | None

    @model_validator(mode="after")
    def _priced(self) -> "Budget":
        if self.cost is not None and self.prices is None:
            raise ValueError("a limit on cost needs budget.prices")
        return self


class Demonstrations(Section):
    """How many replies to prompts beside the document sft is shown, of each kind: none, where all are 0.

    Refusals of ``harmful`` prompts, answers to ``benign`` ones that sound dangerous and to ``general`` ones.
    """

    harmful: Annotated[int, Field(ge=0)]
    benign: Annotated[int, Field(ge=0)]
    general: Annotated[int, Field(ge=0)]


class Extract(Section):
    """Chunking: sizes in tokens of the encoder; ``limit`` chunks are taken evenly from the whole (0: all)."""

    max_tokens: PositiveInt
    min_tokens: PositiveInt
    limit: Annotated[int, Field(ge=0)]


class Synthesize(Section):
    """What the teacher is asked for, and what is kept.

    ``questions_per_style``: questions asked a call; there is a call a style and chunk. ``max_questions``
    bounds them all: about each chunk of a longer document it is asked in fewer styles, but at least in one.
    ``max_rules``: rules of the document that the teacher writes questions to, which are trained on only
    (`charter.synthesis.rule_questions`); of more than that the first by a hash are taken (0: none).
    ``max_rule_pairs``: to so many of these the teacher writes the opposite, for preference pairs that are
    trained on only (`charter.synthesis.rule_pairs`).
    ``scenarios_per_chunk``: preference pairs tried a chunk, of at most ``max_scenarios`` /
    ``scenarios_per_chunk`` chunks, chosen by their ids. Similarities are cosines of the encoder: questions
    above ``max_question_similarity`` to a kept one are duplicates, and ``max_leak_similarity`` is what a
    held-out question may have with a training one. ``min_support`` is the least teacher probability that
    an answer is true by its chunk. Of a preference pair the evidence for the chosen response's Yes or No
    must exceed the teacher's bias to Yes by ``min_preference_margin`` nats of log-odds
    (`charter.synthesis.decisions`), and the longer of its rule and the opposite have at most
    ``max_length_ratio`` times the characters of the shorter. ``test_share`` of the questions and
    ``pair_test_share`` of the scenarios are held out to measure with, ``validation_share`` of both to tune
    with.
    """

    temperature: PositiveFloat
    questions_per_style: PositiveInt
    max_questions: PositiveInt
    max_rules: Annotated[int, Field(ge=0)]
    max_rule_pairs: Annotated[int, Field(ge=0)]
    scenarios_per_chunk: PositiveInt
    max_scenarios: PositiveInt
    max_question_similarity: Share
    max_leak_similarity: Share
    min_support: Share
    min_preference_margin: PositiveFloat
    max_length_ratio: PositiveFloat
    validation_share: Share
    test_share: Share
    pair_test_share: Share
    min_train_examples: PositiveInt


class Lora(Section):
    """LoRA (Hu et al., 2022): rank, scale and dropout; all linear layers but the output head."""

    rank: PositiveInt
    alpha: PositiveInt
    dropout: Share


class Training(Section):
    """What the three trainings share. Lengths in tokens; ``batch_size`` counts rows a process and pass."""

    learning_rate: PositiveFloat
    epochs: PositiveFloat
    batch_size: PositiveInt
    gradient_accumulation: PositiveInt
    warmup_share: Share
    weight_decay: Annotated[float, Field(ge=0)]
    max_length: PositiveInt
    gradient_checkpointing: bool
    lora: Lora


class Sft(Training):
    """Fine-tuning on answers.

    ``best_epoch`` keeps the weights of the epoch with the lowest validation loss, in place of the last one's.
    That loss rises while a small model learns a document's facts by heart, and its answers get better.
    """

    best_epoch: bool


class Dpo(Section):
    """DPO (Rafailov et al., 2023) from the SFT adapter, against the SFT model as reference.

    ``best_epoch`` as in sft. ``beta`` is the strength of the pull to the reference, ``sft_weight`` the
    weight of an added likelihood term on the chosen response (0: none).
    """

    learning_rate: PositiveFloat
    epochs: PositiveFloat
    batch_size: PositiveInt
    gradient_accumulation: PositiveInt
    warmup_share: Share
    weight_decay: Annotated[float, Field(ge=0)]
    max_length: PositiveInt
    gradient_checkpointing: bool
    best_epoch: bool
    beta: PositiveFloat
    loss: Literal["sigmoid", "ipo", "robust", "apo_zero"]
    sft_weight: Annotated[float, Field(ge=0)]


class Retrieval(Section):
    """``passages``: how many chunks a question is answered with."""

    passages: PositiveInt


JudgeMethod = Literal["pairwise", "single"]


class Evaluate(Section):
    """Evaluation: answers are greedy. ``judge_items`` bounds the questions judged (0: all).

    ``judge``: ``pairwise`` shows the judge two answers, in both orders; ``single`` asks of each answer alone
    whether it is right, and prefers by the ratio of the odds. ``judge_min_validity``: the share of its
    controls that it must be seen to decide rightly (`charter.evaluation.results.JudgeValidity`).

    ``safety_prompts``: how many of the harmful, of the benign and of the general prompts each system is
    asked, taken evenly (0: neither safety nor retention is measured).
    """

    max_new_tokens: PositiveInt
    batch_size: PositiveInt
    bootstrap_samples: PositiveInt
    judge: JudgeMethod
    judge_items: Annotated[int, Field(ge=0)]
    judge_min_validity: Share
    safety_prompts: Annotated[int, Field(ge=0)]


class Gate(Section):
    """A condition for promotion, on a metric of the aligned model (SFT+DPO) without RAG.

    ``against`` is ``none`` (the value itself), a system such as ``cft+rag`` or ``sft`` (the difference with
    it), or ``champion`` (the difference with the promoted version, on the same test questions; the gate
    holds where there is none yet). The gate holds when the lower bound of the 95 % interval, of the value
    or of the paired difference, is at least ``minimum``: so a ``minimum`` above 0 demands a proven
    advantage, one below 0 that a loss larger than it is excluded. Where there is no interval, as for the
    champion, the plain figure is judged.
    """

    metric: str
    against: str
    minimum: float


class Params(Section):
    """The whole of params.yaml.

    ``labelled`` maps a corpus to its hand-labelled items, rows of `charter.project.records.LabelledItem`,
    on which the validators of synthesis are measured. The quote of each must be in a chunk: a profile that
    limits extraction to some chunks leaves it empty.
    """

    profile: str
    seed: Annotated[int, Field(ge=0)]
    corpora: dict[CorpusName, Corpus]
    base_models: BaseModels
    compute: Compute
    teacher: Teacher
    budget: Budget
    extract: Extract
    synthesize: Synthesize
    labelled: dict[CorpusName, str]
    demonstrations: Demonstrations
    cft: Training
    sft: Sft
    dpo: Dpo
    retrieval: Retrieval
    evaluate: Evaluate
    gates: tuple[Gate, ...]

    @field_validator("labelled")
    @classmethod
    def _of_corpora(cls, labelled: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if unknown := sorted(set(labelled) - set(info.data.get("corpora", labelled))):
            raise ValueError(f"{', '.join(unknown)} is not in corpora")
        return labelled


def parse_params(values: Any, source: str) -> Params:
    """Check a tree of plain values; ``source`` names it in errors.

    Raises:
        CharterError: One line a bad key: its dotted path, what is wrong and what stands there.
    """
    try:
        return Params.model_validate(_tuples(values))
    except ValidationError as error:
        lines = []
        for item in error.errors():
            key = ".".join(str(part) for part in item["loc"] if part != "[key]") or "(the whole file)"
            found = "" if item["type"] == "missing" else f" (found: {item['input']!r})"
            lines.append(f"{source}: {key}: {item['msg']}{found}")
        raise CharterError("\n".join(lines)) from error


def load_params(path: Path) -> Params:
    """Read and check a params.yaml.

    Raises:
        CharterError: The file is missing, isn't YAML, or a key is wrong.
    """
    try:
        values = read_yaml(path)
    except FileNotFoundError as error:
        raise CharterError(f"{path}: no such file; run charter in the project's folder") from error
    except YAMLError as error:
        raise CharterError(f"{path}: not YAML: {error}") from error
    return parse_params(values, path.name)


def read_yaml(path: Path) -> Any:
    """Read YAML 1.2 as DVC does: there 5e-05 is a number, as `dvc exp run --set-param` writes it."""
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def _tuples(value: Any) -> Any:
    """YAML has lists where frozen sections have tuples."""
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    return value
