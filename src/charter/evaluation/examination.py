"""The exam held: what every system answers to its questions, marked, and decides in its dilemmas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from charter.evaluation.answer_language import AnswerLanguage
from charter.evaluation.dilemmas import decide
from charter.evaluation.evaluation_data import ShownTexts, answer_greedily
from charter.evaluation.exam_quotes import find_quotes
from charter.evaluation.exam_split import Exam
from charter.evaluation.key_facts import Scorer
from charter.evaluation.local_system import LocalSystem
from charter.evaluation.statistics import Array
from charter.generation.journal import JournaledEngine
from charter.project.exam_records import Dilemma, ExamAnswer, ExamDecision, OwnAdvice
from charter.project.metric_names import system_label
from charter.project.params import Params
from charter.project.records import Chunk, Rag, System, content_id
from charter.retrieval.index import Index
from charter.training.chat import Chat, answer_messages


@dataclass(frozen=True)
class Examination(ShownTexts):
    """An exam, and what is shown beside its items: ``index`` is what their passages were found in.

    ``sources`` maps an item's id to the chunk that its quote stands in, empty where it has none. ``title`` is
    the document's.
    """

    exam: Exam
    title: str
    index: Index
    sources: Mapping[str, str]
    language: AnswerLanguage
    max_new_tokens: int

    @property
    def questions(self) -> list[str]:
        """The texts of the questions."""
        return [row.question for row in self.exam.questions]

    def ask(self, engine: JournaledEngine, system: System, rag: Rag) -> list[ExamAnswer]:
        """Let a system answer all questions, greedily, with the prompt that training used."""
        chats = [self.messages(row.question, self.sources[row.id], rag) for row in self.exam.questions]
        what = f"exam answers of {system_label(system, rag)}"
        return self.mark(system, rag, answer_greedily(engine, chats, self.max_new_tokens, what))

    def mark(self, system: System, rag: Rag, answers: Sequence[str]) -> list[ExamAnswer]:
        """Mark answers to all questions, one each."""
        marks = [
            Scorer(row, self.language).mark(answer)
            for row, answer in zip(self.exam.questions, answers, strict=True)
        ]
        return [
            ExamAnswer(
                id=content_id(row.id, system, str(rag)),
                item_id=row.id,
                section=row.section,
                kind=row.kind,
                chunk_id=self.sources[row.id],
                system=system,
                rag=rag,
                question=row.question,
                references=row.references,
                quote=row.quote,
                retrieved=self.passages(row.question, self.sources[row.id], rag),
                answer=answer,
                fault=mark.fault,
                # In a language without words for it, no yes or no can be read: then there is no such figure.
                polarity=row.polarity if self.language.yes and self.language.no else None,
                verdict=mark.verdict,
            )
            for row, answer, mark in zip(self.exam.questions, answers, marks, strict=True)
        ]

    def advise(self, engine: JournaledEngine, system: System, rag: Rag) -> list[OwnAdvice]:
        """Let a system answer all dilemmas in its own words; what it advises there is still to be read."""
        dilemmas = self.exam.dilemmas
        chats = [self.messages(row.scenario, self.sources[row.id], rag) for row in dilemmas]
        what = f"advice of {system_label(system, rag)}"
        replies = answer_greedily(engine, chats, self.max_new_tokens, what)
        return [
            OwnAdvice(**self._of(row, system, rag), reply=reply)
            for row, reply in zip(dilemmas, replies, strict=True)
        ]

    def _of(self, row: Dilemma, system: System, rag: Rag) -> dict[str, Any]:
        """Return what every record of a system's in a dilemma has."""
        return row.model_dump() | {
            "id": content_id(row.id, system, str(rag)),
            "item_id": row.id,
            "chunk_id": self.sources[row.id],
            "system": system,
            "rag": rag,
        }

    def decide(
        self, local: LocalSystem, system: System, rags: Sequence[Rag] = (False, True)
    ) -> list[ExamDecision]:
        """Find out which reply to each dilemma a system finds likelier, without RAG and with it.

        The prior of a reply is its likelihood behind the title of the document alone.
        """
        dilemmas = self.exam.dilemmas
        if not dilemmas:
            return []
        alone = self._likelihoods(local, [answer_messages(self.title) for _ in dilemmas])
        decisions = []
        for rag in rags:
            asked = [self.messages(row.scenario, self.sources[row.id], rag) for row in dilemmas]
            given = self._likelihoods(local, asked)
            margins, with_prior = decide(given, alone), decide(given, np.zeros_like(given))
            decisions += [
                ExamDecision(
                    **self._of(row, system, rag),
                    margin=float(margins[place]),
                    with_prior=float(with_prior[place]),
                )
                for place, row in enumerate(dilemmas)
            ]
        return decisions

    def _likelihoods(self, local: LocalSystem, chats: Sequence[Chat]) -> Array:
        """Return mean log-probabilities a token of [faithful, unfaithful] behind each chat, shape (n, 2)."""
        replies = [reply for row in self.exam.dilemmas for reply in (row.faithful, row.unfaithful)]
        prompts = [chat for chat in chats for _ in range(2)]
        return np.reshape(local.mean_log_probs(prompts, replies), (-1, 2))


def prepare(
    exam: Exam, corpus: str, params: Params, chunks: Sequence[Chunk], index: Index, language: AnswerLanguage
) -> Examination:
    """Retrieve passages for each item, and find what each rests on."""
    texts = [*(row.question for row in exam.questions), *(row.scenario for row in exam.dilemmas)]
    found = index.search(texts, params.retrieval.passages)
    sources = find_quotes([row.quote for row in exam.items], chunks)
    return Examination(
        exam=exam,
        title=params.corpora[corpus].title,
        chunks={chunk.id: chunk for chunk in chunks},
        index=index,
        retrieved=dict(zip(texts, found, strict=True)),
        sources={row.id: source for row, source in zip(exam.items, sources, strict=True)},
        language=language,
        max_new_tokens=params.evaluate.max_new_tokens,
    )
