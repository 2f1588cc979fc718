"""The systems of a project that can be compared: those that are trained, and the teacher."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

from charter.comparing.decoding import AdaptedSeed, Told
from charter.generation.budget import Budget
from charter.generation.engine import ask_turns
from charter.generation.journal import JournaledEngine
from charter.generation.teacher import open_teacher
from charter.project.errors import CharterError
from charter.project.metric_names import system_label
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, Model
from charter.project.storage import directory_sha256
from charter.report.formatting import system_name
from charter.training.chat import Chat, answer_messages

_TRAINED: tuple[Model, ...] = ("cft", "sft", "dpo")


@dataclass(frozen=True)
class Candidate:
    """What answers: a model, with retrieval or without; ``models`` are the hashes of what it is made of."""

    system: Model
    rag: bool
    models: tuple[str, ...]

    @property
    def label(self) -> str:
        """Its name in metrics and requests, such as ``dpo+rag``."""
        return system_label(self.system, self.rag)

    @property
    def name(self) -> str:
        """Its name for people."""
        return system_name(self.label)

    def chat(self, question: str, passages: Sequence[Chunk]) -> Chat:
        """Return what it is asked, as in evaluation."""
        return answer_messages(question, [chunk.text for chunk in passages] if self.rag else [])


class Systems:
    """What can be compared now; the seed's answers and the teacher's are each written in a thread of its own.

    So one batch is decoded at a time, and those asked later wait. The teacher is loaded when it is first
    asked. It answers from the journal what it was asked before.
    """

    def __init__(self, params: Params, paths: CorpusPaths):
        """Load the seed with the adapters that are there.

        Raises:
            CharterError: There is no adapter.
        """
        found = [name for name in _TRAINED if (paths.adapter(name) / "adapter_config.json").is_file()]
        if not found:
            raise CharterError(
                f"{paths.adapter('dpo')}: no adapter, so there is nothing to compare with the seed; run "
                f"`dvc repro dpo@{paths.name}`"
            )
        self._params, self._paths = params, paths
        self._new_tokens = params.evaluate.max_new_tokens
        seed = directory_sha256(paths.seed)
        models: dict[Model, tuple[str, ...]] = {"seed": (seed,)}
        models |= {name: (seed, directory_sha256(paths.adapter(name))) for name in found}
        if paths.teacher.is_dir():
            models["teacher"] = (directory_sha256(paths.teacher),)
        self.candidates = {
            candidate.label: candidate
            for name, hashes in models.items()
            for candidate in (Candidate(name, False, hashes), Candidate(name, True, hashes))
        }
        self._seed = AdaptedSeed(paths.seed, {name: paths.adapter(name) for name in found}, params.compute)
        self._teacher: JournaledEngine | None = None
        self._threads = {"seed": ThreadPoolExecutor(1), "teacher": ThreadPoolExecutor(1)}

    async def write(
        self, candidates: Sequence[Candidate], question: str, passages: Sequence[Chunk], told: Told
    ) -> None:
        """Have all of them answer; ``told`` is called from other threads.

        Raises:
            TooLongError: The question is too long.
            PromptError: The model's chat template refuses it.
            CharterError: The teacher can't be asked.
        """
        loop, left = asyncio.get_running_loop(), Event()
        chats = {place: item.chat(question, passages) for place, item in enumerate(candidates)}
        teacher = [place for place in chats if candidates[place].system == "teacher"]
        local = [place for place in chats if place not in teacher]

        def write_local() -> None:
            rows = [(_adapter(candidates[place]), chats[place]) for place in local]
            if rows and not left.is_set():
                self._seed.write(
                    rows,
                    self._new_tokens,
                    lambda row, text, whole: told(local[row], text, whole),
                    left,
                )

        def write_teacher() -> None:
            if teacher and not left.is_set():
                self._ask_teacher(teacher, [chats[place] for place in teacher], told)

        try:
            await asyncio.gather(
                loop.run_in_executor(self._threads["seed"], write_local),
                loop.run_in_executor(self._threads["teacher"], write_teacher),
            )
        finally:
            left.set()

    def close(self) -> None:
        """End the threads; what they write now is written to its end."""
        for thread in self._threads.values():
            thread.shutdown(cancel_futures=True)

    def _ask_teacher(self, places: Sequence[int], chats: Sequence[Chat], told: Told) -> None:
        if self._teacher is None:
            # The minutes of a budget are a run's; how long people look at a page isn't in them.
            budget = self._params.budget.model_copy(update={"minutes": None})
            self._teacher = open_teacher(self._params, self._paths, Budget(budget))
        requests = [
            ask_turns([(turn["role"], turn["content"]) for turn in chat], max_new_tokens=self._new_tokens)
            for chat in chats
        ]
        answers = self._teacher.complete(requests, "answers of the teacher")
        for place, answer in zip(places, answers, strict=True):
            told(place, answer.text.strip(), answer.problem is None and answer.tokens < self._new_tokens)


def _adapter(candidate: Candidate) -> str | None:
    return None if candidate.system == "seed" else candidate.system
