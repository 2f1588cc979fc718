"""What asking a language model means here: requests in, completions out, whatever runs the model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, computed_field

_ALTERNATIVES = 5
"""Log-probs that a verdict brings: of both words, each in a spelling or two."""


CUT_OFF = "cut off"
"""The problem of a completion that had no tokens left before its end."""


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: str


class Request(BaseModel):
    """A conversation to continue.

    ``temperature`` 0 is greedy; ``seed`` tells sampled repetitions apart. With ``choices`` the reply is one
    of these words, and how likely each is comes back as the completion's alternatives.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: tuple[Message, ...]
    max_new_tokens: int
    temperature: float = 0.0
    seed: int = 0
    # The messages name the words, so a journal needs no more than that it is a verdict: it is searched by
    # what is serialised here.
    choices: tuple[str, ...] = Field(default=(), exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def alternatives(self) -> int:
        """How many of the most probable first tokens an engine that has log-probs returns."""
        return _ALTERNATIVES if self.choices else 0


class Completion(BaseModel):
    """What the model wrote.

    ``alternatives`` are the most probable first tokens, (text, log-prob in nats) each, best first, where
    the request has choices. ``tokens`` counts what was generated, ``prompt_tokens`` what was read; it is
    None where a server doesn't say. ``problem`` says why the text isn't the whole of an answer ("refused",
    CUT_OFF, "empty"); only servers tell.
    """

    # A log-prob may be -inf, which plain JSON has no number for.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    text: str
    tokens: int
    alternatives: tuple[tuple[str, float], ...] = ()
    prompt_tokens: int | None = None
    problem: str | None = None


Admission = Callable[[], bool]
"""Says whether one more request may be started."""


def admit_all() -> bool:
    """Let every request start."""
    return True


class Engine(Protocol):
    """Runs requests against one model."""

    def complete(
        self, requests: Sequence[Request], admit: Admission = admit_all
    ) -> Iterator[tuple[int, Completion]]:
        """Yield (index of the request, its completion), in the order in which they end.

        ``admit`` is asked for each request just before it is started. Once it says no, nothing more is
        started, and what is under way is finished and yielded.
        """
        ...


def ask_turns(
    turns: Iterable[tuple[str, str]], *, max_new_tokens: int, temperature: float = 0.0, seed: int = 0
) -> Request:
    """Make a request of turns, (role, text) each."""
    messages = tuple(Message.model_validate({"role": role, "content": text}) for role, text in turns)
    return Request(messages=messages, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed)


def ask(*, system: str, user: str, max_new_tokens: int, temperature: float = 0.0, seed: int = 0) -> Request:
    """Make a request of one system and one user turn."""
    turns = (("system", system), ("user", user))
    return ask_turns(turns, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed)


def ask_choice(turns: Iterable[tuple[str, str]], choices: tuple[str, ...]) -> Request:
    """Make a request of turns that ask for one of these words."""
    return ask_turns(turns, max_new_tokens=1).model_copy(update={"choices": choices})
