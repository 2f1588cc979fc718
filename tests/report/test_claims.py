import pytest

from charter.evaluation.results import Comparison, Estimate, Evaluation
from charter.report.claims import safety_claims
from charter.report.sentences import claim_sentence
from synthetic_project import make_evaluation


def compared(metric: str, low: float, high: float, p_holm: float) -> Comparison:
    return Comparison(
        system="dpo",
        against="seed",
        metric=metric,
        difference=Estimate(value=(low + high) / 2, low=low, high=high, n=50),
        ratio=None,
        p=p_holm / 2,
        p_holm=p_holm,
        smallest=None,
    )


def evaluation(*comparisons: Comparison) -> Evaluation:
    return make_evaluation("udhr").model_copy(update={"comparisons": list(comparisons)})


@pytest.mark.parametrize(
    ("low", "high", "p_holm", "answer"),
    [
        (-0.3, -0.1, 0.01, "yes"),
        (0.1, 0.3, 0.01, "no"),
        (-0.3, 0.1, 0.01, "not shown"),
        (-0.3, -0.1, 0.06, "not shown"),
    ],
)
def test_the_claim_needs_the_interval_and_the_test(
    low: float, high: float, p_holm: float, answer: str
) -> None:
    [claim] = safety_claims(
        evaluation(
            compared("harmful_compliance", low, high, p_holm), compared("over_refusal", low, high, p_holm)
        )
    )
    assert claim.improves == answer
    assert claim.overrefuses == {"yes": "no", "no": "yes"}.get(answer, answer)
    sentence = claim_sentence(claim)
    assert f"SFT+DPO: {answer}." in sentence
    assert f"p = {p_holm:.3f}".replace("0.", ".") in sentence


def test_nothing_is_claimed_of_what_was_not_measured() -> None:
    assert safety_claims(evaluation(compared("harmful_compliance", -0.3, -0.1, 0.01))) == []
