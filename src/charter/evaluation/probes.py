"""What alignment did beside the document: safety, and what the seed knew and how it spoke.

Every local system gets the same prompts as a bare chat, without the document's name and without RAG: harmful
ones, harmless ones that sound dangerous, and general ones. All are compared with the seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charter.evaluation.answering import LocalSystem
from charter.evaluation.results import Comparison, Estimate, Evaluation, RefusalDetection
from charter.evaluation.safety import CorrectedShares, mcnemar_p, measure_detector
from charter.evaluation.statistics import ClusteredBootstrap, Measure, holm, mean_measure
from charter.generation.engine import ask_turns
from charter.generation.journal import JournaledEngine
from charter.project.records import (
    GeneralPrompt,
    ProbeAnswer,
    ProbeKind,
    ProbePrompt,
    System,
    content_id,
    take_evenly,
)
from charter.retrieval.encoder import Encoder
from charter.synthesis.refusal import OPENING, RefusalDetector
from charter.training.chat import Message as ChatMessage

TOKENS = 24
"""A refusal shows in its first words, and so does another manner of speaking."""


@dataclass(frozen=True)
class Probes:
    """The prompts of each kind."""

    harmful: Sequence[ProbePrompt]
    benign: Sequence[ProbePrompt]
    general: Sequence[GeneralPrompt]

    def take(self, count: int) -> "Probes":
        """Take ``count`` of each kind, evenly."""
        return Probes(
            harmful=take_evenly(self.harmful, count),
            benign=take_evenly(self.benign, count),
            general=take_evenly(self.general, count),
        )


@dataclass(frozen=True)
class Probed:
    """What one system did: its answers, and the log-probs a token, in nats, of the general answers given."""

    answers: Sequence[ProbeAnswer]
    log_probs: Sequence[float]

    def refused(self, kind: ProbeKind) -> list[bool]:
        """The detector's flags of one kind, in the order of the prompts."""
        return [bool(row.refused) for row in self.answers if row.kind == kind]

    def general(self) -> list[str]:
        """The answers to the general prompts, in their order."""
        return [row.answer for row in self.answers if row.kind == "general"]


def probe(
    name: System, system: LocalSystem, engine: JournaledEngine, probes: Probes, detector: RefusalDetector
) -> Probed:
    """Let a system begin to answer every probe, greedily, and see what it makes of the general answers."""
    kinds: list[tuple[ProbeKind, str]] = [
        *(("harmful", row.prompt) for row in probes.harmful),
        *(("benign", row.prompt) for row in probes.benign),
        *(("general", row.prompt) for row in probes.general),
    ]
    requests = [ask_turns([("user", prompt)], max_new_tokens=TOKENS) for _, prompt in kinds]
    texts = [completion.text.strip() for completion in engine.complete(requests, f"probes of {name}")]
    flags = detector.refused([prompt for _, prompt in kinds], texts)
    chats: list[list[ChatMessage]] = [[{"role": "user", "content": row.prompt}] for row in probes.general]
    return Probed(
        answers=[
            ProbeAnswer(
                id=content_id(kind, name, prompt),
                kind=kind,
                system=name,
                prompt=prompt,
                answer=text,
                refused=None if kind == "general" else flag,
            )
            for (kind, prompt), text, flag in zip(kinds, texts, flags, strict=True)
        ],
        log_probs=system.mean_log_probs(chats, [row.answer for row in probes.general]),
    )


def add_probed(
    evaluation: Evaluation,
    probed: dict[System, Probed],
    detector: RefusalDetector,
    encoder: Encoder,
    samples: int,
    seed: int,
) -> Evaluation:
    """Add safety and retention of every system, and each one's differences from the seed, to the results.

    Args:
        evaluation: Of the same systems.
        probed: By system, the seed among them.
        detector: Which saw the refusals.
        encoder: Compares general answers with the seed's.
        samples: Of each interval.
        seed: Of the random numbers.
    """
    validity, phrases = measure_detector(detector.out_of_fold), measure_detector(detector.by_phrases)
    shares = CorrectedShares(validity, samples, seed)
    general = [row.prompt for row in probed["seed"].answers if row.kind == "general"]
    bootstrap = ClusteredBootstrap(general, samples, seed)
    seed_vectors = encoder.encode(probed["seed"].general())
    figures: dict[str, dict[str, Estimate]] = {}
    for name, row in probed.items():
        similarity = (encoder.encode(row.general()) * seed_vectors).sum(axis=1)
        figures[name] = {
            "harmful_compliance": shares.complied(row.refused("harmful")),
            "over_refusal": shares.refused(row.refused("benign")),
            "perplexity": bootstrap.estimate(perplexity_measure(row.log_probs)),
            "seed_similarity": bootstrap.estimate(mean_measure(similarity)),
        }
    compared = [
        comparison
        for name, row in probed.items()
        if name != "seed"
        for comparison in _against_seed(name, row, probed["seed"], figures, shares, bootstrap)
    ]
    corrected = holm([row.p for row in compared])
    return evaluation.model_copy(
        update={
            "systems": {
                label: {**measured, **figures.get(label, {})}
                for label, measured in evaluation.systems.items()
            },
            "comparisons": [
                *evaluation.comparisons,
                *(row.model_copy(update={"p_holm": p}) for row, p in zip(compared, corrected, strict=True)),
            ],
            "settings": {
                **evaluation.settings,
                "safety": f"first {TOKENS} tokens, of which {OPENING} characters are read; Rogan-Gladen; "
                f"exact McNemar against the seed; {samples} draws of prompts and labels, seed {seed}",
                "retention": f"{len(general)} general prompts; perplexity of the answers in data/general; "
                f"cosine of the first {TOKENS} tokens with the seed's",
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


def _against_seed(
    name: System,
    row: Probed,
    seed: Probed,
    figures: dict[str, dict[str, Estimate]],
    shares: CorrectedShares,
    bootstrap: ClusteredBootstrap,
) -> list[Comparison]:
    """Compare in safety and perplexity; p_holm is left as p."""
    harmful, seed_harmful = row.refused("harmful"), seed.refused("harmful")
    benign, seed_benign = row.refused("benign"), seed.refused("benign")
    perplexity, seed_perplexity = perplexity_measure(row.log_probs), perplexity_measure(seed.log_probs)
    tested = {
        # Complying is not refusing: it complies with as much more as the seed refuses more.
        "harmful_compliance": (shares.difference(seed_harmful, harmful), mcnemar_p(harmful, seed_harmful)),
        "over_refusal": (shares.difference(benign, seed_benign), mcnemar_p(benign, seed_benign)),
        "perplexity": (
            bootstrap.difference(perplexity, seed_perplexity),
            bootstrap.randomisation_p(perplexity, seed_perplexity),
        ),
    }
    return [
        Comparison(
            system=name,
            against="seed",
            metric=metric,
            difference=difference,
            ratio=figures[name][metric].value / base if (base := figures["seed"][metric].value) > 0 else None,
            p=p,
            p_holm=p,
        )
        for metric, (difference, p) in tested.items()
    ]
