"""What a reader must be told beside the figures, in sentences."""

from collections.abc import Sequence

from charter.documents.language_codes import language_name
from charter.evaluation.agreement import ReviewerAgreement
from charter.evaluation.answer_figures import AnswerFigures
from charter.evaluation.answer_language import unmarked_sentence
from charter.evaluation.results import BASELINE, OPPONENT, Evaluation, best_trivial, difference
from charter.evaluation.review_figures import ReviewFigures
from charter.project.metric_names import EXAM_METRICS, OWN_ADVICE
from charter.report.claims import SafetyClaim, direction
from charter.report.formatting import METRIC_NAMES, figure, p_value, share, signed, system_name

REACHED = (
    "A margin is reached when the whole interval of the ratio lies at or above what is asked. Not shown: the "
    "ratio does, its interval doesn't. The Holm-corrected p are of the tests that were named beforehand."
)

LOOKED_AT = (
    "On the same questions. Grey: the interval holds 0. So many intervals are to look at, not to conclude "
    "from: some of them lie beside 0 by chance. To conclude from are those with a p, whose tests were named "
    "beforehand and are Holm-corrected among themselves."
)

GOLD = (
    "+gold: shown the whole passage that the question was written from. "
    "Cut: answers cut to their reference's length, so that nothing is won or lost by verbosity."
)


_OUTCOMES = ("accepted", "edited", "rejected", "disputed")


def exam_sentence(evaluation: Evaluation) -> str:
    """Say what the exam asked, and whether the aligned models beat answers that need no model."""
    asked = evaluation.systems["seed"]
    sizes = [
        f"{asked[metric].n} {what}"
        for metric, what in (
            ("right_answers", "questions that the document answers"),
            ("right_verdicts", "of them of yes or no (one and the same has about .5)"),
            ("unanswerable", "that it doesn't (right is to say so)"),
            ("dilemmas", "dilemmas (guessing has .5)"),
            ("dilemma_pairs", "of them pairs that differ in one detail (.25)"),
            (OWN_ADVICE, "of them answered in own words (evading is wrong)"),
        )
        if metric in asked
    ]
    sentences = [f"Written by people, hidden from training: {', '.join(sizes)}."]
    if OWN_ADVICE in asked:
        sentences.append(f"Own words are as {evaluation.judge_name} reads them, which nothing here tests.")
    if left_out := evaluation.settings.get("exam_left_out"):
        sentences.append(f"Left out: {left_out} items whose like people brought into training.")
    best = best_trivial(evaluation, "right_answers")
    for system in ("dpo+rag", "dpo"):
        if best and (found := difference(evaluation, system, best, "right_answers")):
            verb = ("doesn't beat", "beats", "is worse than")[direction(found)]
            sentences.append(
                f"{system_name(system)} {verb} {best}, the best of what needs no model: "
                f"{signed('right_answers', found)}."
            )
    if smallest := smallest_sentence(evaluation, ("right_answers", "dilemmas")):
        sentences.append(smallest)
    return " ".join(sentences)


def smallest_sentence(evaluation: Evaluation, metrics: Sequence[str]) -> str:
    """Say which differences are too small to be found with so few questions; empty where that isn't known."""
    found = [
        f"{figure(metric, row.smallest)} in {METRIC_NAMES[metric]} ({row.difference.n} items)"
        for metric in metrics
        if (row := evaluation.compared.get(("dpo", BASELINE, metric))) and row.smallest is not None
    ]
    if not found:
        return ""
    return (
        f"Differences smaller than about {' or '.join(found)} can't be found: {system_name('dpo')} and "
        f"{system_name(BASELINE)} must differ by so much to be told apart by four of five such sets of items."
    )


def language_sentence(evaluation: Evaluation) -> str:
    """Say how text in another language than English was measured, and which models may not know it.

    Of an exam it says where answers are marked without knowing the language. Empty of English.
    """
    examined = any({*EXAM_METRICS} & measured.keys() for measured in evaluation.systems.values())
    unmarked = unmarked_sentence(evaluation.language) if examined else ""
    if evaluation.language in (None, "eng"):
        return unmarked
    measured = ", ".join(
        f"{name} {evaluation.settings[key]}"
        for key, name in (("bleu", "BLEU"), ("rouge", "ROUGE"), ("bertscore", "BERTScore"))
        if key in evaluation.settings
    )
    language = language_name(evaluation.language) or evaluation.language
    said = [f"The document is in {language}. Measured by {measured}.", *evaluation.cautions, unmarked]
    return " ".join(filter(None, said))


def claim_sentence(claim: SafetyClaim) -> str:
    """Answer whether alignment improved general safety, with the risk differences behind it."""
    return (
        f"Does alignment improve general safety? {system_name(claim.system)}: {claim.improves}. Harmful "
        f"requests done, against the seed: {signed('', claim.compliance.difference)}, p "
        f"{p_value(claim.compliance.p_holm)}; more harmless ones refused: {claim.overrefuses}, "
        f"{signed('', claim.over_refusal.difference)}, p {p_value(claim.over_refusal.p_holm)}."
    )


def detector_sentence(evaluation: Evaluation) -> str:
    """Say how well refusals were told from other responses; empty where safety wasn't measured."""
    found = evaluation.refusals
    if found is None:
        return ""
    return (
        f"Refusals are told from other responses with sensitivity {share(found.sensitivity)} and specificity "
        f"{share(found.specificity)}, out of fold on {found.labels} responses labelled by people (a list of "
        f"phrases alone: {share(found.phrases_sensitivity)} and {share(found.phrases_specificity)}); shares "
        "are corrected for that. A response that doesn't answer counts as refused, as for those people. Of "
        "everyday prompts only those count that are declined in words, as they are seen."
    )


def review_sentence(found: ReviewFigures) -> str:
    """Say how many rows people read, what they made of them, and how far they agree."""
    if not found.decided and not found.gone:
        return "Nobody has decided on a row yet."
    counts = ", ".join(f"{found.outcomes[name]} {name}" for name in _OUTCOMES)
    sentences = [
        f"People read {found.decided} of {found.rows} rows that the filters kept: {counts}. All who read "
        f"them took {share(found.accepted)} of these as they were."
    ]
    if found.agreements:
        agreed = _agreed(found.agreements, "rows")
        sentences.append(f"Agreement of reviewers on what is right as it is, kappa: {agreed}.")
    if found.gone:
        sentences.append(f"{len(found.gone)} decided rows are not in the data any more.")
    return " ".join(sentences)


def answers_sentence(found: AnswerFigures) -> str:
    """Say what people found who read answers, of whom, and how far others agree with them."""
    if not found.outcomes:
        return "Nobody has read an answer yet."
    counts = ", ".join(f"{found.outcomes[name]} {name}" for name in ("right", "wrong", "unsure", "disputed"))
    sentences = [f"People read {found.outcomes.total()} answers, not knowing whose they were: {counts}."]
    if found.right:
        shares = "; ".join(
            f"{system_name(label)} {share(figure)} of {figure.n}" for label, figure in found.right.items()
        )
        sentences.append(f"Right, of the answers to held-out questions that they agree on: {shares}.")
    if found.agreements:
        sentences.append(f"Agreement of readers, kappa: {_agreed(found.agreements, 'answers')}.")
    if found.scorer:
        sentences.append(
            f"Agreement of people with the exam's marks, kappa: {share(found.scorer)} on {found.scorer.n} "
            "answers to dev questions."
        )
    if found.judges:
        judges = "; ".join(
            f"{name} {share(figure)} on {figure.n} pairs" for name, figure in found.judges.items()
        )
        sentences.append(
            f"Agreement of people with judges, kappa, on which answer is better, a system's or that of "
            f"{system_name(OPPONENT)}, where people find one right and one wrong: {judges}."
        )
    return " ".join(sentences)


def _agreed(agreements: Sequence[ReviewerAgreement], what: str) -> str:
    return "; ".join(
        f"{' and '.join(each.reviewers)} {share(each.kappa)} on {each.kappa.n} {what}" for each in agreements
    )
