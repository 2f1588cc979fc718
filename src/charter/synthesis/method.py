"""What a method of synthesis is: for each kind of row, the steps on its way, in order."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from charter.project.errors import CharterError
from charter.project.records import RefusedKind, Rejected, Rule
from charter.project.sections import Synthesize
from charter.synthesis.context import SynthesisContext
from charter.synthesis.duplicates import Likeness
from charter.synthesis.people import PeopleHeldOut, Review, TakeEdits, Voted
from charter.synthesis.set_filters import HeldOut
from charter.synthesis.steps import Filter, Step


class Method(ABC):
    """The steps that make rows of the passages of a document, each named once, in its place."""

    def __init__(self, settings: Synthesize):
        """``settings`` has the thresholds and counts."""
        self.settings = settings
        self.duplicate = Likeness(settings.max_question_similarity, settings.max_shared_trigrams)
        self.leak = Likeness(settings.max_leak_similarity, settings.max_shared_trigrams)

    @staticmethod
    @abstractmethod
    def list_rules(context: SynthesisContext) -> tuple[list[Rule], list[Rejected]]:
        """Make the register of rules that the rows are about, and say what was refused of it."""

    @property
    @abstractmethod
    def questions(self) -> Sequence[Step]:
        """Make questions with their answers."""

    @property
    @abstractmethod
    def pairs(self) -> Sequence[Step]:
        """Make situations with a faithful and an unfaithful response."""

    def trained(self, held_out: HeldOut) -> Sequence[Filter]:
        """Refuse questions and pairs that were to be trained on; others can't be refused so."""
        return (held_out,)

    def rule_questions(self, held_out: HeldOut) -> Sequence[Step]:
        """Make questions that are trained on only, none like a held-out row; none as a rule."""
        return ()

    @property
    def rule_pairs(self) -> Sequence[Step]:
        """Make pairs of what `rule_questions` kept, that are trained on only; none as a rule."""
        return ()

    def ways(self) -> Mapping[RefusedKind, Sequence[Step]]:
        """Return the whole way of each kind of row that it makes, for people to read."""
        held_out = HeldOut((), self.leak)
        trained = self.trained(held_out)
        people = (Review({}), TakeEdits({}), PeopleHeldOut((), self.leak))
        ways: dict[RefusedKind, Sequence[Step]] = {
            "instruct": (*self.questions, *trained),
            "rule": self.rule_questions(held_out),
            "preference": (*self.pairs, *trained),
            "rule-pair": self.rule_pairs,
            "vote": (Voted(()),),
        }
        return {
            kind: [each for step in (*steps, *people) for each in (step, *step.inner)]
            for kind, steps in ways.items()
            if steps
        }


def check_filter_names(method: Method, names: Sequence[str]) -> None:
    """Check that the method has filters of these names that can be switched off.

    Raises:
        CharterError: It hasn't; the error names those that it has.
    """
    steps = [step for way in method.ways().values() for step in way]
    known = sorted({step.name for step in steps if isinstance(step, Filter) and not step.needed})
    for name in names:
        if name not in known:
            raise CharterError(
                f"synthesize.without: no filter {name!r} can be switched off; there are {', '.join(known)}"
            )
