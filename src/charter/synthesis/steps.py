"""The way of a row: steps that write, and filters that refuse, in the order in which a method names them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from charter.generation.engine import Request
from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.languages import Language, language_of


class Step(ABC):
    """What happens to all drafts of a kind before the next step begins. Its docstring tells people what."""

    @property
    def summary(self) -> str:
        """The first paragraph of its docstring."""
        return " ".join((type(self).__doc__ or "").split("\n\n")[0].split())

    @property
    def inner(self) -> Sequence["Step"]:
        """The steps that it repeats."""
        return ()

    @abstractmethod
    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return the drafts that go on; what is refused is entered in the ledger."""


class Change(Step):
    """A step that changes drafts one at a time and refuses none."""

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return each draft as it is then."""
        return list(map(self._change, drafts))

    @abstractmethod
    def _change(self, draft: Draft) -> Draft:
        """Return the draft with what this step puts into it."""


class Filter(Step):
    """A step that refuses drafts and changes none.

    ``name`` is what params.yaml and the ledger call it. Its thresholds are the fields of its constructor,
    from params.yaml. Unless ``needed``, it can be switched off.
    """

    name: ClassVar[str]
    needed: ClassVar[bool] = False


class Check(Filter):
    """A filter that asks nobody."""

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Keep the drafts that it has nothing against."""
        return ledger.keep(drafts, self.name, self._problems(drafts, context))

    @abstractmethod
    def _problems(self, drafts: Sequence[Draft], context: SynthesisContext) -> Sequence[str | None]:
        """Return for each draft why it is refused, or None."""


class TextCheck(Check):
    """A check that looks at one draft at a time.

    ``patterns`` are those that it reads of `charter.synthesis.languages`: drafts in languages that don't have
    them all pass.
    """

    patterns: ClassVar[tuple[str, ...]] = ()

    def _problems(self, drafts: Sequence[Draft], context: SynthesisContext) -> Sequence[str | None]:
        languages = [language_of(draft.chunk) for draft in drafts]
        return [
            self._problem(draft, language, context) if language.has(*self.patterns) else None
            for draft, language in zip(drafts, languages, strict=True)
        ]

    @abstractmethod
    def _problem(self, draft: Draft, language: Language, context: SynthesisContext) -> str | None:
        """Return why the draft is refused, or None."""


def ask_teacher(
    drafts: Sequence[Draft],
    requests: Sequence[Request],
    purpose: str,
    context: SynthesisContext,
    ledger: Ledger,
) -> list[tuple[Draft, str]]:
    """Ask a request of each draft, and return those that got a reply with its text.

    One that was declined, stopped or cut off is entered in the ledger as ``reply``, with its reason.
    """
    completions = context.teacher.complete(requests, purpose)
    ledger.keep(drafts, "reply", [completion.problem for completion in completions])
    return [
        (draft, completion.text.strip())
        for draft, completion in zip(drafts, completions, strict=True)
        if not completion.problem
    ]


def run_steps(
    steps: Sequence[Step], drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger
) -> list[Draft]:
    """Take drafts through all steps but the filters that are switched off; return what came to the end."""
    kept = list(drafts)
    for step in steps:
        if not (isinstance(step, Filter) and step.name in context.settings.without):
            kept = step(kept, context, ledger)
    return kept


class Ways(Step):
    """Takes the same drafts on several ways, one after the other."""

    def __init__(self, *ways: Sequence[Step]):
        self._ways = ways

    @property
    def inner(self) -> Sequence[Step]:
        """The steps of all ways, and those that these repeat."""
        return [each for way in self._ways for step in way for each in (step, *step.inner)]

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return what came to the end of any."""
        return [draft for way in self._ways for draft in run_steps(way, drafts, context, ledger)]
