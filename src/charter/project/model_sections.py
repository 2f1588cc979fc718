"""The typed sections of params.yaml that say which models there are, and how they are run."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from charter.project.sections import CorpusName, NonNegativeInt, ParamsSection, PositiveInt

TEACHER: Literal["teacher"] = "teacher"
"""The judge that is the teacher itself, in ``judges``."""


class ModelSource(ParamsSection):
    """Where a model comes from: exactly one of the three."""

    artifact: str | None = None
    """A name in data/pinned/models.yaml: files that are fetched by their hashes."""
    hub: str | None = None
    """``owner/name@revision`` on the Hugging Face hub."""
    served: str | None = None
    """The name under which the OpenAI-compatible server at ``base_url`` offers the model."""
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
    """The model that writes the training data and, by default, judges answers."""
    encoder: ModelSource
    """The sentence encoder: it counts tokens of chunks, measures similarity, and retrieves passages."""


class ModelEngine(ParamsSection):
    """How a model is run that writes or judges."""

    engine: Literal["openvino", "transformers", "openai"]
    """``openvino`` reads GGUF on the CPU, ``transformers`` runs in process, ``openai`` asks a server."""
    base_url: str | None
    """The address of the server that ``openai`` asks, such as http://127.0.0.1:8000/v1."""
    concurrency: PositiveInt
    """How many sequences or requests are under way at once."""
    cache_gigabytes: PositiveInt
    """Memory of the key/value cache of ``openvino``, in gigabytes."""
    thinking_tokens: NonNegativeInt
    """Tokens for the thoughts of an ``openai`` model that thinks, beyond those of each answer."""
    verdict_samples: PositiveInt
    """How often an ``openai`` model without log-probs is asked for each verdict.

    1 asks greedily and gets Yes or No; more are sampled at temperature 1, and their shares are probabilities.
    """


class Teacher(ModelEngine):
    """How the teacher is run, for synthesis and as a judge."""


class Judge(ModelEngine):
    """A judge that is a model of its own, and how it is run."""

    name: CorpusName
    """What results call it: a word of your own."""
    model: ModelSource
    """Which model it is, as in ``base_models.teacher``."""
    key_variable: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")] | None
    """The environment variable that has the key of its server; null: none is sent."""

    @model_validator(mode="after")
    def _is_another(self) -> "Judge":
        if self.name == TEACHER:
            raise ValueError("the teacher judges by the word teacher alone; give another name")
        if len({self.engine == "openai", self.base_url is not None, self.model.served is not None}) > 1:
            raise ValueError("engine openai, base_url and model.served go together: give all three or none")
        return self

    @field_validator("base_url")
    @classmethod
    def _without_key(cls, base_url: str | None) -> str | None:
        if base_url is not None and "@" in base_url:
            raise ValueError("it has a name or a key in it; the key goes in the variable of key_variable")
        return base_url


def _kind_of_judge(value: Any) -> str:
    return "[word]" if isinstance(value, str) else "[model]"


NamedJudge = Annotated[
    Annotated[Literal["teacher"], Tag("[word]")] | Annotated[Judge, Tag("[model]")],
    Discriminator(_kind_of_judge),
]
"""The word for the teacher, or another model. The tags are left out of what errors call a key."""
