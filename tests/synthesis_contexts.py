"""Contexts of synthesis: made-up chunks and rules, and a teacher whose replies are given."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from charter.generation.engine import Completion, Request
from charter.project.params import load_params
from charter.project.records import Chunk, Rule
from charter.project.sections import Synthesize
from charter.synthesis.context import SynthesisContext
from synthetic_project import ROOT


class GivenReplies:
    """A teacher that replies what a function of the last turn and the purpose returns; it notes both."""

    def __init__(self, reply: Callable[[str, str], str | Completion]):
        self._reply = reply
        self.asked: dict[str, list[str]] = {}
        self.requests: list[Request] = []

    def complete(self, requests: Sequence[Request], purpose: str) -> list[Completion]:
        said = []
        for request in requests:
            text = request.messages[-1].content
            self.requests.append(request)
            self.asked.setdefault(purpose, []).append(text)
            reply = self._reply(text, purpose)
            said.append(reply if isinstance(reply, Completion) else Completion(text=reply, tokens=1))
        return said


def verdict(odds: float, word: str = "Yes", other: str = "No") -> Completion:
    """A word with log-odds, in nats, against the other one."""
    share = 1 / (1 + math.exp(-odds))
    alternatives = ((word, math.log(share)), (other, math.log(1 - share)))
    return Completion(text=word, tokens=1, alternatives=alternatives)


UNREADABLE = Completion(text="Perhaps", tokens=1, alternatives=(("Perhaps", -0.1),))


def settings_of(**changed: Any) -> Synthesize:
    """The committed parameters, some of them changed."""
    return load_params(ROOT / "params.yaml").synthesize.model_copy(update=changed)


def make_context(
    *chunks: Chunk, rules: Sequence[Rule] = (), teacher: Any = None, encoder: Any = None, **settings: Any
) -> SynthesisContext:
    """A context of these chunks; what it asks of a teacher or an encoder that isn't given fails."""
    return SynthesisContext(
        title="Guidelines",
        chunks=chunks,
        rules=rules,
        teacher=teacher,
        encoder=encoder,
        settings=settings_of(**settings),
        seed=1,
    )
