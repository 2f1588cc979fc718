"""What asking a language model means here: requests in, completions out, whatever runs the model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: str


class Request(BaseModel):
    """A conversation to continue.

    ``temperature`` 0 is greedy; ``seed`` tells sampled repetitions apart. With ``alternatives`` above 0
    only one token is generated, and its most probable alternatives come back with their log-probs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: tuple[Message, ...]
    max_new_tokens: int
    temperature: float = 0.0
    seed: int = 0
    alternatives: int = 0


class Completion(BaseModel):
    """What the model wrote.

    ``alternatives`` are the most probable first tokens, (text, log-prob in nats) each, best first, where
    the request asked for them. ``tokens`` counts what was generated, ``prompt_tokens`` what was read; it is
    None where a server doesn't say.
    """

    # A log-prob may be -inf, which plain JSON has no number for.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    text: str
    tokens: int
    alternatives: tuple[tuple[str, float], ...] = ()
    prompt_tokens: int | None = None


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


def ask_choice(turns: Iterable[tuple[str, str]], *, alternatives: int = 5) -> Request:
    """Make a request of turns whose answer is one word, and its alternatives' log-probs."""
    return ask_turns(turns, max_new_tokens=1).model_copy(update={"alternatives": alternatives})
