"""Every answer with its scores: the worst, those that two systems differ in, what of a document is learnt."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from statistics import fmean

from charter.documents.corpus_language import main_language
from charter.documents.sections import section_paths
from charter.evaluation.grouping import grouped
from charter.evaluation.results import gold_rank
from charter.evaluation.text_metrics import rouge_scores, sentence_bleu
from charter.evaluation.win_rate import WIN_RATE, verdict_pairs
from charter.project.errors import CharterError
from charter.project.metric_names import SYSTEMS, system_label
from charter.project.records import Chunk, Judgement, Prediction


@dataclass(frozen=True)
class ScoredAnswer:
    """A prediction with what is known of it.

    ``bleu`` is sentence BLEU, 0-100, ``rouge_l`` 0-1; ``win_score`` is the first judge's mean probability,
    over both orders, that it is better than the opponent's answer, None where it wasn't judged.
    """

    row: Prediction
    section: str
    source: str
    passages: tuple[str, ...]
    bleu: float
    rouge_l: float
    win_score: float | None

    @property
    def label(self) -> str:
        """The system, as in metrics: ``dpo+rag``."""
        return system_label(self.row.system, self.row.rag)


@dataclass(frozen=True)
class SectionScore:
    """The mean ROUGE-L of each system's answers to the ``n`` questions about a section, by label."""

    section: str
    n: int
    rouge_l: Mapping[str, float]


def score_answers(
    predictions: Sequence[Prediction], judgements: Sequence[Judgement], chunks: Sequence[Chunk]
) -> list[ScoredAnswer]:
    """Score each answer, in the order of the document, then of the question, then of the published table.

    Raises:
        CharterError: A chunk that an answer leads back to isn't there, or a pair of answers was not judged
            once in each order.
    """
    by_id, sections = {chunk.id: chunk for chunk in chunks}, top_sections(chunks)
    known = {row.chunk_id for row in predictions} | {p.chunk_id for row in predictions for p in row.retrieved}
    if missing := sorted(known - by_id.keys()):
        raise CharterError(f"chunk {missing[0]}, which answers lead back to, is gone; run `dvc repro` again")
    places = {name: place for place, name in enumerate(by_id)}
    ordered = sorted(
        predictions,
        key=lambda row: (places[row.chunk_id], row.item_id, SYSTEMS.index((row.system, row.rag))),
    )
    answers, references = [row.answer for row in ordered], [row.reference for row in ordered]
    language = main_language(chunk.language for chunk in chunks)
    bleu = sentence_bleu(answers, references, language)
    rouge = rouge_scores(answers, references)["rougeL"]
    first_judges = [row for row in judgements if row.judge == judgements[0].judge]
    judged = {
        (comparison, pair.a_first.item_id): pair.score()
        for comparison, pairs in verdict_pairs(first_judges).items()
        for pair in pairs
    }
    return [
        ScoredAnswer(
            row=row,
            section=sections[row.chunk_id],
            source=by_id[row.chunk_id].text,
            passages=tuple(by_id[each.chunk_id].narrowed(each.span).text for each in row.retrieved),
            bleu=float(row_bleu),
            rouge_l=float(row_rouge),
            win_score=judged.get((WIN_RATE + system_label(row.system, row.rag), row.item_id)),
        )
        for row, row_bleu, row_rouge in zip(ordered, bleu, rouge, strict=True)
    ]


def top_sections(chunks: Sequence[Chunk]) -> dict[str, str]:
    """Name each chunk's section by the first heading of its path; after its document, where several are."""
    depth = 2 if len({chunk.document for chunk in chunks}) > 1 else 1
    return {name: " > ".join(path[:depth]) for name, path in section_paths(chunks).items()}


def worst(answers: Sequence[ScoredAnswer], label: str, count: int) -> list[ScoredAnswer]:
    """Return the answers of a system with the lowest ROUGE-L, the lowest first."""
    return sorted((row for row in answers if row.label == label), key=lambda row: row.rouge_l)[:count]


def most_changed(
    answers: Sequence[ScoredAnswer], label: str, against: str, count: int
) -> list[tuple[ScoredAnswer, ScoredAnswer]]:
    """Return both systems' answers to the questions where their ROUGE-L differs most, and does differ."""
    others = {row.row.item_id: row for row in answers if row.label == against}
    own = [row for row in answers if row.label == label]
    pairs = [(row, other) for row in own if (other := others.get(row.row.item_id))]
    changed = [(row, other) for row, other in pairs if row.rouge_l != other.rouge_l]
    return sorted(changed, key=lambda pair: -abs(pair[0].rouge_l - pair[1].rouge_l))[:count]


def by_section(answers: Sequence[ScoredAnswer]) -> list[SectionScore]:
    """Return the means of every section that has questions, in the order of the answers."""
    return [
        SectionScore(
            section,
            len({row.row.item_id for row in rows}),
            {
                label: fmean(row.rouge_l for row in of_system)
                for label, of_system in grouped(rows, lambda row: row.label).items()
            },
        )
        for section, rows in grouped(answers, lambda row: row.section).items()
    ]


def answers_csv(answers: Sequence[ScoredAnswer]) -> str:
    """Return all answers as CSV, of which there must be one.

    ``source`` is the text of the question's chunk, ``gold_rank`` the place at which retrieval found it, empty
    where it didn't.
    """
    rows = [
        {
            "item": answer.row.item_id,
            "section": answer.section,
            "question": answer.row.question,
            "reference": answer.row.reference,
            "source": answer.source,
            "system": answer.label,
            "answer": answer.row.answer,
            "bleu": f"{answer.bleu:.2f}",
            "rougeL": f"{answer.rouge_l:.4f}",
            "win_score": "" if answer.win_score is None else f"{answer.win_score:.4f}",
            "gold_rank": gold_rank(answer.row) or "",
            "passages": "\n\n".join(answer.passages),
        }
        for answer in answers
    ]
    text = StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def describe_answer(answer: ScoredAnswer, against: ScoredAnswer | None = None) -> str:
    """Write an answer as lines to read, with another system's answer to the same question below it."""
    row = answer.row
    lines = [answer.section, f"  question   {row.question}", f"  reference  {row.reference}"]
    lines.append(f"  source     {' '.join(answer.source.split())}")
    for shown in (answer, against):
        if shown:
            scores = f"ROUGE-L {shown.rouge_l:.3f}, BLEU {shown.bleu:.1f}"
            scores += "" if shown.win_score is None else f", wins {shown.win_score:.3f}"
            lines += [f"  {shown.label:<10} {shown.row.answer or '(no answer)'}  [{scores}]"]
            if shown.row.rag:
                rank = gold_rank(shown.row)
                found = f"place {rank}" if rank else "not found"
                lines += [f"             with the source {found} of {len(shown.passages)} retrieved"]
    return "\n".join(lines)
