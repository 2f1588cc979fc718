"""The judges of params.yaml, asked one after the other."""

import sys
from collections.abc import Iterator, Sequence
from itertools import combinations

from charter.evaluation.judge import Contest, judge_contests, judge_purpose, judge_requests
from charter.evaluation.own_advice import read_advice
from charter.evaluation.win_rate import Judge
from charter.generation.journal import JournaledEngine
from charter.generation.judge_models import judge_models
from charter.generation.teacher import teacher_model
from charter.project.errors import CharterError
from charter.project.exam_records import OwnAdvice
from charter.project.model_sections import TEACHER
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Judgement


class Judges:
    """The judges of a corpus's answers; ``requests`` counts by name what each was asked."""

    def __init__(self, params: Params, paths: CorpusPaths):
        """Nothing is opened yet."""
        self._models = judge_models(params, paths)
        self._teacher = teacher_model(params, paths)
        self._journal = paths.journal
        self._title = params.corpora[paths.name].title
        self._settings = params.evaluate
        self.requests: dict[str, str] = {}

    def try_servers(self, controls: Sequence[Contest]) -> None:
        """Ask those on servers about the controls, which are known before any system has answered.

        So a server that is away, or refuses, is noticed before the hours that the answers take.

        Raises:
            CharterError: The journal lacks an answer, and the server doesn't give it; or two servers can't be
                told apart.
        """
        self._check_told_apart()
        asked = judge_requests(controls, self._title, self._settings.judge)
        for name, model in self._models.items():
            if not model.is_served:
                continue
            with model.open(self._journal) as engine:
                away = model.server.describe() is None
                if away and engine.unknown(asked):
                    raise model.away("It judges what the systems answer, and nothing was answered yet")
                self._ask(name, controls, engine)
            if away:
                sys.stderr.write(
                    f"{model.params.base_url}: no server answers at {model.settings.base_url}; going "
                    "on with what it said before\n"
                )

    def judge(
        self, contests: Sequence[Contest], advice: Sequence[OwnAdvice], teacher: JournaledEngine
    ) -> tuple[list[Judgement], list[OwnAdvice]]:
        """Return the verdicts of all judges, in their order, and the advice as the first of them reads it."""
        found: dict[str, list[Judgement]] = {}
        read: list[OwnAdvice] = []
        for name, engine in self._in_turn(teacher):
            found[name] = self._ask(name, contests, engine)
            if name == next(iter(self._models)):
                read = read_advice(advice, engine, f"advice read by {name}")
        return [row for name in self._models for row in found[name]], read

    def described(self) -> dict[str, Judge]:
        """Say of each who it is, and whether it is the teacher: by the word for it, or the same model."""
        return {
            name: Judge(
                name=f"{model.title}, {self._settings.judge}",
                sha256=model.identity,
                is_teacher=name == TEACHER or model.is_same_as(self._teacher),
                min_validity=self._settings.judge_min_validity,
            )
            for name, model in self._models.items()
        }

    def _in_turn(self, teacher: JournaledEngine) -> Iterator[tuple[str, JournaledEngine]]:
        """Give the judges, one at a time in memory: the teacher, which is open, before the others."""
        if TEACHER in self._models:
            yield TEACHER, teacher
        teacher.release()
        for name, model in self._models.items():
            if name != TEACHER:
                with model.open(self._journal) as engine:
                    yield name, engine
                engine.release()

    def _check_told_apart(self) -> None:
        """Refuse servers of which the journal would give the one's answers for the other's."""
        served = [model for model in (self._teacher, *self._models.values()) if model.is_served]
        for one, other in combinations(served, 2):
            if one.settings.base_url != other.settings.base_url and one.identity == other.identity:
                raise CharterError(
                    f"{other.params.model}.revision: its server says no more of its model than that of "
                    f"{one.params.model}, so the journal would take the one's answers for the other's; give "
                    f"a revision, a word of your own, and run `dvc repro {other.params.stage}`"
                )

    def _ask(self, name: str, contests: Sequence[Contest], engine: JournaledEngine) -> list[Judgement]:
        verdicts = judge_contests(contests, engine, self._title, self._settings.judge, name)
        usage = engine.usage[judge_purpose(name)]
        self.requests[name] = f"{usage.requests} requests, {usage.prompt_tokens} prompt tokens"
        return verdicts
