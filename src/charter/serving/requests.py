"""What a client asks for: the part of OpenAI's chat completions that is done here."""

import secrets
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator

_COLDEST = 1e-3
"""Below this temperature the likeliest token is taken: scores divided by less are infinite in 16 bits."""


class _TextPart(BaseModel):
    type: Literal["text"]
    text: str


class Turn(BaseModel):
    """One turn of a chat; ``content`` is a text or a list of texts."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[_TextPart]

    @property
    def text(self) -> str:
        """What it says."""
        parts = self.content
        return parts if isinstance(parts, str) else "\n".join(part.text for part in parts)


class _StreamOptions(BaseModel):
    include_usage: bool = False


class ChatRequest(BaseModel):
    """A request for a chat completion.

    Sampling is off unless a temperature is given, as it was when the model was evaluated. Fields that would
    change the reply and are not done here are refused unless they ask for nothing; others are passed over.
    """

    model: str
    messages: list[Turn] = Field(min_length=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    seed: int | None = None
    stop: str | Annotated[list[str], Field(max_length=16)] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    logit_bias: dict[str, float] | None = Field(None, max_length=0)
    tools: list[Any] | None = Field(None, max_length=0)
    functions: list[Any] | None = Field(None, max_length=0)
    frequency_penalty: float | None = Field(None, ge=0, le=0)
    presence_penalty: float | None = Field(None, ge=0, le=0)
    response_format: dict[Literal["type"], Literal["text"]] | None = None

    @field_validator("messages")
    @classmethod
    def _ask_something(cls, turns: list[Turn]) -> list[Turn]:
        if turns[-1].role != "user":
            raise ValueError("the last message must be the user's")
        return turns

    @property
    def new_tokens(self) -> int | None:
        """How many tokens the reply may have, None where that isn't said."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts that end the reply and aren't part of it."""
        return tuple(filter(None, [self.stop] if isinstance(self.stop, str) else self.stop or ()))

    def drawing(self) -> dict[str, Any]:
        """Return how tokens are drawn: nothing where the likeliest is taken."""
        if self.temperature is None or self.temperature < _COLDEST:
            return {}
        seed = secrets.randbits(62) if self.seed is None else self.seed
        return {"temperature": self.temperature, "top_p": self.top_p or 1.0, "seed": seed}
