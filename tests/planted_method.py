"""A method of synthesis whose drafts are given, on three made-up chunks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.method import Method
from charter.synthesis.people import NOBODY, People
from charter.synthesis.register import quote_sentences
from charter.synthesis.rules_method import RulesMethod
from charter.synthesis.set_filters import HeldOut
from charter.synthesis.steps import Filter, Step
from charter.synthesis.synthetic_data import SyntheticData
from charter.synthesis.text_filters import Mention
from charter.synthesis.writing import write_data
from rows import chunk_of
from synthesis_contexts import make_context

GIFTS = chunk_of("Gifts above 50 euros must be refused. They are sent back.", chunk_id="gifts")
PRESS = chunk_of("Only the spokesperson may talk to journalists.", chunk_id="press")
HELMETS = chunk_of("Helmets must be worn on site.", chunk_id="helmets")


class Apart:
    """Finds no two different texts alike."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        vectors = np.zeros((len(texts), max(len(places), 1)), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row, places[text]] = 1
        return vectors


@dataclass(frozen=True)
class Plant(Step):
    """Writes what is given."""

    drafts: Sequence[Draft]

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        ledger.requested += len(self.drafts)
        return list(self.drafts)


class Planted(Method):
    """A method whose drafts are given; the rest of it is what the method `rules` has."""

    def __init__(self, settings: Any, questions: Sequence[Draft], pairs: Sequence[Draft] = ()):
        super().__init__(settings)
        self._questions, self._pairs = questions, pairs

    list_rules = staticmethod(quote_sentences)

    @property
    def questions(self) -> Sequence[Step]:
        return (Plant(self._questions),)

    @property
    def pairs(self) -> Sequence[Step]:
        return (Plant(self._pairs), Mention())

    def trained(self, held_out: HeldOut) -> Sequence[Filter]:
        return RulesMethod(self.settings).trained(held_out)


def write(
    encoder: Any,
    questions: Sequence[Draft],
    pairs: Sequence[Draft] = (),
    people: People = NOBODY,
    **settings: Any,
) -> tuple[SyntheticData, dict[str, dict[str, Any]]]:
    shares = {"test_share": 0.0, "pair_test_share": 0.0, "validation_share": 0.0, "max_nearer_chunks": 0}
    context = make_context(GIFTS, PRESS, HELMETS, encoder=encoder, **(shares | settings))
    return write_data(context, Planted(context.settings, questions, pairs), people)


def question(asked: str, answer: str = "Yes.", rule: str = "", chunk: Any = GIFTS) -> Draft:
    return Draft(chunk, style="content", rule=rule, question=asked, answer=answer)


def pair(asked: str, rule: str, chunk: Any = GIFTS) -> Draft:
    return Draft(chunk, question=asked, rule=rule, answer=f"Yes. {rule}", rejected="No. It isn't so.")
