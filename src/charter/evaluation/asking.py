"""Everything that the systems of a corpus are put to, and what they and their judges said to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from charter.evaluation.evaluation_data import EvaluationData, predict, predictions_of
from charter.evaluation.examination import Examination
from charter.evaluation.item_scores import exam_scores, probe_scores, text_scores
from charter.evaluation.judge import Contest, win_rate_contests
from charter.evaluation.judges import Judges
from charter.evaluation.local_system import LocalSystem, local_system
from charter.evaluation.probes import Probes
from charter.evaluation.results import Estimate
from charter.evaluation.trivial import TrivialSystems
from charter.generation.journal import JournaledEngine
from charter.generation.teacher import open_teacher
from charter.project.exam_records import ExamAnswer, ExamDecision, OwnAdvice
from charter.project.metric_names import LOCAL, SYSTEMS, system_label
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Judgement, Prediction, Rag, System
from charter.project.score_records import ItemScore

JUDGED = [*((name, rag) for name in LOCAL for rag in (False, True)), ("teacher", True)]
"""The systems that have a win rate: not the upper bound, which nobody has, nor what needs no model."""


@dataclass(frozen=True)
class Tests:
    """What the systems of a corpus and the judge are put to; exam and probes are None where there is none."""

    held_out: EvaluationData
    judged: EvaluationData
    trivial: TrivialSystems
    controls: list[Contest]
    examination: Examination | None
    probes: Probes | None


@dataclass
class Answers:
    """What was answered to the tests so far; ``advice`` only where ``own_advice`` asks for it."""

    tests: Tests
    max_new_tokens: int
    own_advice: bool
    predictions: list[Prediction] = field(default_factory=list)
    exam: list[ExamAnswer] = field(default_factory=list)
    decisions: list[ExamDecision] = field(default_factory=list)
    advice: list[OwnAdvice] = field(default_factory=list)
    adherence: dict[str, Estimate] = field(default_factory=dict)
    judgements: list[Judgement] = field(default_factory=list)

    def item_scores(self, language: str | None) -> Iterator[ItemScore]:
        """Yield what each item counted; ``language`` is the corpus's."""
        yield from text_scores(self.predictions, language)
        if self.tests.examination:
            yield from exam_scores(self.exam, self.decisions, self.tests.examination.exam)
        if self.tests.probes:
            yield from probe_scores(self.tests.probes)

    def ask_systems(self, params: Params, paths: CorpusPaths, judges: Judges) -> None:
        """Ask the local systems, one at a time in memory, then the teacher, then those that judge them."""
        for name in LOCAL:
            self._ask_local(name, local_system(name, params, paths), paths.journal)
        self._look_up()
        with open_teacher(params, paths) as teacher:
            for rag in (False, True):
                self._ask(teacher, "teacher", rag)
            contestants = [row for row in self.predictions if (row.system, row.rag) in JUDGED]
            contests = win_rate_contests(contestants, self.tests.judged) + self.tests.controls
            judgements, self.advice = judges.judge(contests, self.advice, teacher)
            self.judgements += judgements

    def _ask(self, engine: JournaledEngine, name: System, rag: Rag) -> None:
        """Ask a system all questions."""
        self.predictions += predict(engine, name, rag, self.tests.held_out, self.max_new_tokens)
        if self.tests.examination:
            self.exam += self.tests.examination.ask(engine, name, rag)
            if self.own_advice and rag != "gold":
                self.advice += self.tests.examination.advise(engine, name, rag)

    def _ask_local(self, name: System, system: LocalSystem, journal: Path) -> None:
        """Ask a system of this machine all that it can be asked."""
        with system.open(journal) as engine:
            for rag in (rag for other, rag in SYSTEMS if other == name):
                self._ask(engine, name, rag)
                if rag != "gold":
                    self.adherence[system_label(name, rag)] = system.adherence(self.tests.held_out, rag)
            if self.tests.examination:
                self.decisions += self.tests.examination.decide(system, name)
            if self.tests.probes:
                self.tests.probes.ask(name, system, engine)

    def _look_up(self) -> None:
        """Answer all questions in the ways that need no model."""
        held_out, examination = self.tests.held_out, self.tests.examination
        for name, answers in self.tests.trivial.answers([row.question for row in held_out.examples]).items():
            self.predictions += predictions_of(name, False, held_out, answers)
        if examination:
            for name, answers in self.tests.trivial.answers(examination.questions).items():
                self.exam += examination.mark(name, False, answers)
