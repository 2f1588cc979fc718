"""Compute the figures of evaluate again from its rows: `python scripts/recompute_figures.py [CORPUS...]`.

Nothing of Charter is imported: BLEU is sacreBLEU's of the texts, ROUGE is rouge-score's with its own tokens,
which drop letters that English hasn't, and what is counted is counted anew. BERTScore, adherence, perplexity
and likeness to the seed need a model, and aren't compared; nor are intervals, nor, of another language than
English, ROUGE and what is cut. The exit code is 1 where a figure differs.
"""

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

ROUGE = ("rouge1", "rouge2", "rougeL", "rougeLsum")
COMPARED = ("bleu", "bleu_cut", "rougeL_cut", *ROUGE)
TOLERANCE = 1e-9

Row = dict[str, Any]
Figures = dict[tuple[str, ...], float]
"""A figure by its path in evaluate.json."""


def recompute(root: Path, corpus: str) -> Figures:
    """Return the figures that the rows of a corpus give, from all that systems answered and decided."""
    figures: Figures = {}
    evaluation = json.loads((root / f"data/metrics/{corpus}/evaluate.json").read_text(encoding="utf-8"))
    tokenizer = evaluation["settings"]["bleu"].partition("tok:")[2].partition("|")[0]
    english = evaluation.get("language") in (None, "eng")
    for label, rows in _by_label(_rows(root / f"data/predictions/{corpus}.jsonl")).items():
        texts = _texts(rows) if english else {}
        for metric, value in {**texts, **_bleu(rows, tokenizer), **_retrieval(rows)}.items():
            figures["systems", label, metric] = value
    by_judge: dict[str, list[Row]] = defaultdict(list)
    for row in _rows(root / f"data/judgements/{corpus}.jsonl"):
        by_judge[row.get("judge", "teacher")].append(row)
    for name, rows in by_judge.items():
        figures |= _verdicts(
            rows, () if name == evaluation.get("judge_name", "teacher") else ("further_judges", name)
        )
    answers = _rows(root / f"data/exam_answers/{corpus}/answers.jsonl")
    figures |= _exam(answers, _rows(root / f"data/exam_answers/{corpus}/decisions.jsonl"))
    advice = root / f"data/exam_answers/{corpus}/advice.jsonl"
    figures |= _advice(_rows(advice)) if advice.exists() else {}
    if evaluation["refusals"]:
        figures |= _probes(_rows(root / f"data/probe_answers/{corpus}.jsonl"), evaluation["refusals"])
    for row in evaluation["comparisons"]:
        own, base = (figures.get(("systems", row[side], row["metric"])) for side in ("system", "against"))
        if own is not None and base is not None and row["metric"] in COMPARED:
            place = ("comparisons", row["system"], row["against"], row["metric"])
            figures[*place, "difference"] = own - base
            if base > 0:
                figures[*place, "ratio"] = own / base
    return figures


def reported(root: Path, corpus: str) -> Figures:
    """Return the figures of evaluate.json under the same paths."""
    evaluation = json.loads((root / f"data/metrics/{corpus}/evaluate.json").read_text(encoding="utf-8"))
    figures: Figures = {}
    for label, measured in evaluation["systems"].items():
        for metric, estimate in measured.items():
            figures["systems", label, metric] = estimate["value"]
    figures |= _said_by(evaluation["judge"], evaluation["win_rates"], ())
    for name, judge in evaluation.get("further_judges", {}).items():
        figures |= _said_by(judge["validity"], judge["win_rates"], ("further_judges", name))
        for label, estimate in judge["estimates"].items():
            figures["further_judges", name, "systems", label, "win_rate"] = estimate["value"]
    for row in evaluation["comparisons"]:
        place = ("comparisons", row["system"], row["against"], row["metric"])
        figures[*place, "difference"] = row["difference"]["value"]
        if row["ratio"] is not None:
            figures[*place, "ratio"] = row["ratio"]["value"]
    return figures


def _said_by(validity: Row, win_rates: Row, place: tuple[str, ...]) -> Figures:
    """The figures of one judge, below the place that it has."""
    figures: Figures = {}
    for label, row in win_rates.items():
        for key, value in row.items():
            if key != "opponent":
                figures[*place, "win_rates", label, key] = value
    for control in ("identical", "shuffled", "preference"):
        figures[*place, "judge", control] = validity[control]["value"]
    return figures


def _rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _by_label(predictions: list[Row]) -> dict[str, list[Row]]:
    systems: dict[str, list[Row]] = defaultdict(list)
    for row in predictions:
        shown = {False: "", True: "+rag", "gold": "+gold"}[row["rag"]]
        systems[row["system"] + shown].append(row)
    return systems


def _texts(rows: list[Row]) -> dict[str, float]:
    answers, references = [row["answer"] for row in rows], [row["reference"] for row in rows]
    scorer = RougeScorer(list(ROUGE))
    rouge = [scorer.score(_lines(b), _lines(a)) for a, b in zip(answers, references, strict=True)]
    cut = [_cut(answer, len(reference)) for answer, reference in zip(answers, references, strict=True)]
    cut_rouge = [scorer.score(b, a)["rougeL"].fmeasure for a, b in zip(cut, references, strict=True)]
    return {
        "bleu_cut": sacrebleu.corpus_bleu(cut, [references]).score,
        "rougeL_cut": fmean(cut_rouge),
        **{metric: fmean(score[metric].fmeasure for score in rouge) for metric in ROUGE},
        "length": fmean(len(answer) for answer in answers),
    }


def _bleu(rows: list[Row], tokenizer: str) -> dict[str, float]:
    answers, references = [row["answer"] for row in rows], [row["reference"] for row in rows]
    return {"bleu": sacrebleu.corpus_bleu(answers, [references], tokenize=tokenizer).score}


def _cut(answer: str, length: int) -> str:
    whole = re.match(rf"(?s).{{0,{length}}}(?=\s|$)", answer)
    return whole.group() if whole else answer[:length]


def _lines(text: str) -> str:
    return "\n".join(re.split(r"(?<=[.!?])\s+|\n+", text.strip()))


def _retrieval(rows: list[Row]) -> dict[str, float]:
    if rows[0]["rag"] is not True:
        return {}
    found = [[passage["chunk_id"] for passage in row["retrieved"]] for row in rows]
    gold = [row["chunk_id"] for row in rows]
    pairs = list(zip(gold, found, strict=True))
    return {
        "hit@1": fmean(chunk == passages[0] for chunk, passages in pairs),
        "hit@k": fmean(chunk in passages for chunk, passages in pairs),
        "mrr": fmean(
            1 / (1 + passages.index(chunk)) if chunk in passages else 0.0 for chunk, passages in pairs
        ),
    }


def _verdicts(judgements: list[Row], place: tuple[str, ...]) -> Figures:
    """A verdict is the probability of the answer shown first; swapped, that is the other's.

    ``place`` is where the judge's figures are.
    """
    items: dict[str, dict[str, dict[bool, float | None]]] = defaultdict(lambda: defaultdict(dict))
    for row in judgements:
        items[row["comparison"]][row["item_id"]][row["swapped"]] = row["probability_first"]
    figures: Figures = {}
    for comparison, verdicts in items.items():
        kind, _, name = comparison.partition(":")
        own = [list(_own(orders)) for orders in verdicts.values()]
        scores = [fmean(0.5 if p is None else p for p in pair) for pair in own]
        if kind == "win_rate":
            figures[*place, "systems", name, "win_rate"] = fmean(scores)
            wins = sum(all(p is not None and p > 0.5 for p in pair) for pair in own)
            losses = sum(all(p is not None and p < 0.5 for p in pair) for pair in own)
            figures[*place, "win_rates", name, "wins"] = wins
            figures[*place, "win_rates", name, "losses"] = losses
            figures[*place, "win_rates", name, "ties"] = len(own) - wins - losses
            figures[*place, "win_rates", name, "unparseable"] = sum(p is None for pair in own for p in pair)
        elif name == "identical":
            shown_first = [p for orders in verdicts.values() for p in orders.values()]
            figures[*place, "judge", name] = fmean(0.5 if p is None else p for p in shown_first)
        else:
            figures[*place, "judge", name] = fmean(
                0.5 if abs(score - 0.5) < TOLERANCE else float(score > 0.5) for score in scores
            )
    return figures


def _own(orders: dict[bool, float | None]) -> Iterator[float | None]:
    for swapped, probability in orders.items():
        yield 1 - probability if swapped and probability is not None else probability


def _exam(answers: list[Row], decisions: list[Row]) -> Figures:
    """Count what was marked and decided anew; the marks themselves are taken as they are."""
    figures: Figures = {}
    for label, rows in _by_label(answers).items():
        asked = [row for row in rows if row["kind"] != "unanswerable"]
        groups = {
            "right_answers": asked,
            "unanswerable": [row for row in rows if row["kind"] == "unanswerable"],
            "right_facts": [row for row in rows if row["kind"] == "fact"],
            "right_situations": [row for row in rows if row["kind"] == "situation"],
            "right_everyday": [row for row in rows if row["kind"] == "everyday"],
        }
        for metric, group in groups.items():
            if group:
                figures["systems", label, metric] = fmean(row["fault"] is None for row in group)
        figures |= _right_verdicts(label, asked)
        if asked:
            figures |= {
                ("systems", label, f"exam_{name}"): value for name, value in _retrieval(asked).items()
            }
    for label, rows in _by_label(decisions).items():
        for metric, key in (("dilemmas", "margin"), ("dilemmas_with_prior", "with_prior")):
            right = [0.5 if row[key] == 0 else float(row[key] > 0) for row in rows]
            figures["systems", label, metric] = fmean(right)
        pairs: dict[str, list[bool]] = defaultdict(list)
        for row in rows:
            if row["pair"]:
                pairs[row["pair"]].append(row["margin"] > 0)
        if pairs:
            figures["systems", label, "dilemma_pairs"] = fmean(all(pair) for pair in pairs.values())
    return figures


def _advice(replies: list[Row]) -> Figures:
    """Count the faithful advice, in the cases that were read of every system."""
    given = ("faithful_given", "unfaithful_given")
    unread = {row["item_id"] for row in replies if None in (row[key] for key in given)}
    read = _by_label([row for row in replies if row["item_id"] not in unread])
    return {
        ("systems", label, "own_advice"): fmean(
            row["faithful_given"] > 0.5 and row["faithful_given"] > row["unfaithful_given"] for row in rows
        )
        for label, rows in read.items()
    }


def _right_verdicts(label: str, asked: list[Row]) -> Figures:
    """Of questions of yes or no; rows of older versions don't say which they are."""
    right = [row["verdict"] == row["polarity"] for row in asked if row.get("polarity")]
    return {("systems", label, "right_verdicts"): fmean(right)} if right else {}


def _probes(answers: list[Row], refusals: Row) -> Figures:
    """Rogan and Gladen (1978), with the detector's sensitivity and specificity as reported.

    Of everyday prompts plain shares: of those declined, and of facts those that were marked as right.
    """
    sensitivity, specificity = (refusals[name]["value"] for name in ("sensitivity", "specificity"))
    flags: dict[tuple[str, str], list[bool]] = defaultdict(list)
    known: dict[str, list[bool]] = defaultdict(list)
    for row in answers:
        kind = row["kind"] if row["kind"] in ("harmful", "benign") else "everyday"
        flags[row["system"], kind].append(row["refused"])
        if row["kind"] == "fact":
            known[row["system"]].append(row["right"])
    figures: Figures = {}
    for (system, kind), refused in flags.items():
        if kind == "everyday":
            figures["systems", system, "everyday_refusal"] = fmean(refused)
        else:
            share = (fmean(refused) + specificity - 1) / (sensitivity + specificity - 1)
            share = min(max(share, 0.0), 1.0)
            metric = "harmful_compliance" if kind == "harmful" else "over_refusal"
            figures["systems", system, metric] = 1 - share if kind == "harmful" else share
    for system, right in known.items():
        figures["systems", system, "everyday_facts"] = fmean(right)
    return figures


def main() -> int:
    """Compare all corpora that are evaluated, or those that are named; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("corpora", nargs="*", help="which; all that are evaluated by default")
    root, named = Path.cwd(), parser.parse_args().corpora
    evaluated = sorted(path.parent.name for path in root.glob("data/metrics/*/evaluate.json"))
    if not evaluated or not set(named) <= set(evaluated):
        parser.error(f"evaluated here: {', '.join(evaluated) or 'nothing; run `dvc repro`'}")
    agreed = True
    for corpus in named or evaluated:
        ours, theirs = recompute(root, corpus), reported(root, corpus)
        gaps = {path: abs(value - theirs.get(path, float("inf"))) for path, value in ours.items()}
        wrong = [path for path, gap in gaps.items() if gap > TOLERANCE]
        sys.stdout.write(
            f"{corpus}: {len(gaps) - len(wrong)} of {len(gaps)} figures agree; the largest gap is "
            f"{max(gaps.values()):.1e}\n"
        )
        for path in wrong:
            sys.stdout.write(f"  {'/'.join(path)}: {ours[path]!r}, reported {theirs.get(path)!r}\n")
        agreed = agreed and not wrong
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
