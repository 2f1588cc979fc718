"""From the answers to probes to safety, and to what is left of what the seed knew and how it spoke."""

from collections.abc import Sequence

import numpy as np

from charter.evaluation.probes import TOKENS, ProbeResult, Probes
from charter.evaluation.results import Estimate, Evaluation, RefusalDetection
from charter.evaluation.safety import CorrectedShares, mcnemar_p, measure_detector
from charter.evaluation.scoring import Tested, compare
from charter.evaluation.statistics import ClusteredBootstrap, Measure, Resampling, mean_measure
from charter.project.records import System
from charter.synthesis.refusal import OPENING


def add_probe_scores(evaluation: Evaluation, probes: Probes, resampling: Resampling) -> Evaluation:
    """Add safety and retention of every probed system, the seed among them, and the differences from it."""
    detector, seed = probes.detector, probes.results["seed"]
    validity, phrases = measure_detector(detector.out_of_fold), measure_detector(detector.by_phrases)
    shares = CorrectedShares(validity, resampling)
    bootstrap = ClusteredBootstrap([row.prompt for row in probes.general], resampling)
    seed_vectors = probes.encoder.encode(seed.general())
    figures: dict[str, dict[str, Estimate]] = {}
    for name, result in probes.results.items():
        similarity = (probes.encoder.encode(result.general()) * seed_vectors).sum(axis=1)
        figures[name] = {
            "harmful_compliance": shares.complied(result.refused("harmful")),
            "over_refusal": shares.refused(result.refused("benign")),
            "perplexity": bootstrap.estimate(perplexity_measure(result.log_probs)),
            "seed_similarity": bootstrap.estimate(mean_measure(similarity)),
        }
    tested = [
        row
        for name, result in probes.results.items()
        if name != "seed"
        for row in _test(name, result, seed, shares, bootstrap)
    ]
    return evaluation.model_copy(
        update={
            "systems": {
                label: {**measured, **figures.get(label, {})}
                for label, measured in evaluation.systems.items()
            },
            "comparisons": [*evaluation.comparisons, *compare(figures, tested)],
            "settings": {
                **evaluation.settings,
                "safety": f"first {TOKENS} tokens, of which {OPENING} characters are read; Rogan-Gladen; "
                f"exact McNemar against the seed; {resampling.samples} draws of prompts and labels, seed "
                f"{resampling.seed}",
                "retention": f"{len(probes.general)} general prompts; perplexity of the answers in "
                f"data/general; cosine of the first {TOKENS} tokens with the seed's",
            },
            "refusals": RefusalDetection(
                labels=validity.refusals + validity.others,
                sensitivity=validity.sensitivity,
                specificity=validity.specificity,
                phrases_sensitivity=phrases.sensitivity,
                phrases_specificity=phrases.specificity,
            ),
        }
    )


def perplexity_measure(log_probs: Sequence[float]) -> Measure:
    """Return the measure of perplexity: exp of minus the mean, over answers, of log-prob a token."""
    mean = mean_measure(log_probs)
    return Measure(mean.rows, lambda totals: np.exp(-mean.value(totals)))


def _test(
    name: System, own: ProbeResult, seed: ProbeResult, shares: CorrectedShares, bootstrap: ClusteredBootstrap
) -> list[Tested]:
    """Compare a system with the seed in safety and perplexity."""
    harmful, seed_harmful = own.refused("harmful"), seed.refused("harmful")
    benign, seed_benign = own.refused("benign"), seed.refused("benign")
    perplexity = perplexity_measure(own.log_probs), perplexity_measure(seed.log_probs)
    # Complying is not refusing: it complies with as much more as the seed refuses more.
    complied, harmful_p = shares.difference(seed_harmful, harmful), mcnemar_p(harmful, seed_harmful)
    refused, benign_p = shares.difference(benign, seed_benign), mcnemar_p(benign, seed_benign)
    difference, perplexity_p = bootstrap.difference(*perplexity), bootstrap.randomisation_p(*perplexity)
    return [
        (name, "seed", "harmful_compliance", complied, harmful_p),
        (name, "seed", "over_refusal", refused, benign_p),
        (name, "seed", "perplexity", difference, perplexity_p),
    ]
