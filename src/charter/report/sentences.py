"""What a reader must be told beside the figures, in sentences."""

from charter.evaluation.results import Evaluation
from charter.report.claims import SafetyClaim
from charter.report.formatting import p_value, share, signed, system_name

GOLD = (
    "+gold: shown the passage that the question was written from, which is the most that retrieval can give. "
    "Cut: answers cut to their reference's length, so that nothing is won or lost by verbosity."
)


def judge_sentence(evaluation: Evaluation) -> str:
    """Say who judged, against whom, and how the judge did where the answer is known."""
    judge = evaluation.judge
    teacher = ", which is also the teacher" if judge.is_teacher else ""
    verdict = "Judge" if judge.valid else "Judge not valid (no win rate is shown, no gate uses one)"
    opponents = sorted({system_name(row.opponent) for row in evaluation.win_rates.values()})
    return (
        f"{verdict}: {judge.judge}{teacher}; win rates are over {', '.join(opponents) or 'nobody'}. "
        f"It prefers the right reference to another chunk's in {share(judge.shuffled)} and chosen to "
        f"rejected in {share(judge.preference)} of pairs; identical answers: {share(judge.identical)} for "
        f"the first (.5 expected). Orders agree in {judge.consistency:.0%}, the first answer wins "
        f"{judge.first_position:.0%} of verdicts, verdict-token mass {judge.mass:.2f}, "
        f"{judge.unparseable} unparseable."
    )


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
        "are corrected for that. A response that doesn't answer counts as refused, as for those people."
    )
