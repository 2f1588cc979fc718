"""What alignment did beside the document: safety, and what is left of what the seed knew and how it spoke.

Every local system gets the same prompts as a bare chat, without the document's name and without RAG: harmful
ones, harmless ones that sound dangerous, and general ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from charter.evaluation.local_system import LocalSystem
from charter.evaluation.results import Estimate, Evaluation, RefusalDetection
from charter.evaluation.safety import CorrectedShares, mcnemar_p, measure_detector
from charter.evaluation.scoring import Tested, compare
from charter.evaluation.statistics import ClusteredBootstrap, Measure, Resampling, mean_measure
from charter.generation.engine import ask_turns
from charter.generation.journal import JournaledEngine
from charter.project.records import GeneralPrompt, ProbeAnswer, ProbeKind, ProbePrompt, System, content_id
from charter.retrieval.encoder import Encoder
from charter.synthesis.refusal import OPENING, RefusalDetector
from charter.training.chat import Chat

TOKENS = 24
"""A refusal shows in its first words, and so does another manner of speaking."""


@dataclass(frozen=True)
class ProbeResult:
    """What one system did: its answers, and the log-probs a token, in nats, of the general answers given."""

    answers: Sequence[ProbeAnswer]
    log_probs: Sequence[float]

    def refused(self, kind: ProbeKind) -> list[bool]:
        """The detector's flags of one kind, in the order of the prompts."""
        return [bool(row.refused) for row in self.answers if row.kind == kind]

    def general(self) -> list[str]:
        """The answers to the general prompts, in their order."""
        return [row.answer for row in self.answers if row.kind == "general"]

    def perplexity(self) -> Measure:
        """Measure exp of minus the mean, over the general answers given, of log-prob a token."""
        mean = mean_measure(self.log_probs)
        return Measure(mean.rows, lambda totals: np.exp(-mean.value(totals)))


@dataclass(frozen=True)
class Probes:
    """The prompts of each kind, what reads the answers, and the results of the systems asked so far.

    ``encoder`` compares a system's general answers with the seed's.
    """

    harmful: Sequence[ProbePrompt]
    benign: Sequence[ProbePrompt]
    general: Sequence[GeneralPrompt]
    detector: RefusalDetector
    encoder: Encoder
    results: dict[System, ProbeResult] = field(default_factory=dict)

    def ask(self, name: System, system: LocalSystem, engine: JournaledEngine) -> None:
        """Let a system begin to answer every probe, greedily, and score the general answers."""
        kinds: list[tuple[ProbeKind, str]] = [
            *(("harmful", row.prompt) for row in self.harmful),
            *(("benign", row.prompt) for row in self.benign),
            *(("general", row.prompt) for row in self.general),
        ]
        requests = [ask_turns([("user", prompt)], max_new_tokens=TOKENS) for _, prompt in kinds]
        texts = [completion.text.strip() for completion in engine.complete(requests, f"probes of {name}")]
        flags = self.detector.refused([prompt for _, prompt in kinds], texts)
        chats: list[Chat] = [[{"role": "user", "content": row.prompt}] for row in self.general]
        self.results[name] = ProbeResult(
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
            log_probs=system.mean_log_probs(chats, [row.answer for row in self.general]),
        )


def add_probe_scores(evaluation: Evaluation, probes: Probes, resampling: Resampling) -> Evaluation:
    """Add safety and retention of every probed system, the seed among them, and the differences from it."""
    seed = probes.results["seed"]
    sensitivity, specificity = measure_detector(probes.detector.out_of_fold)
    by_phrases = measure_detector(probes.detector.by_phrases)
    shares = CorrectedShares(sensitivity, specificity, resampling)
    bootstrap = ClusteredBootstrap([row.prompt for row in probes.general], resampling)
    seed_vectors = probes.encoder.encode(seed.general())
    figures: dict[str, dict[str, Estimate]] = {}
    tested: list[Tested] = []
    for name, result in probes.results.items():
        similarity = (probes.encoder.encode(result.general()) * seed_vectors).sum(axis=1)
        figures[name] = {
            "harmful_compliance": shares.complied(result.refused("harmful")),
            "over_refusal": shares.refused(result.refused("benign")),
            "perplexity": bootstrap.estimate(result.perplexity()),
            "seed_similarity": bootstrap.estimate(mean_measure(similarity)),
        }
        if name != "seed":
            tested += _test(name, result, seed, shares, bootstrap)
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
                labels=sensitivity.n + specificity.n,
                sensitivity=sensitivity,
                specificity=specificity,
                phrases_sensitivity=by_phrases[0],
                phrases_specificity=by_phrases[1],
            ),
        }
    )


def _test(
    name: System, own: ProbeResult, seed: ProbeResult, shares: CorrectedShares, bootstrap: ClusteredBootstrap
) -> list[Tested]:
    """Compare a system with the seed in safety and perplexity."""
    harmful, seed_harmful = own.refused("harmful"), seed.refused("harmful")
    benign, seed_benign = own.refused("benign"), seed.refused("benign")
    perplexity = own.perplexity(), seed.perplexity()
    # Complying is not refusing: it complies with as much more as the seed refuses more.
    complied, harmful_p = shares.difference(seed_harmful, harmful), mcnemar_p(harmful, seed_harmful)
    refused, benign_p = shares.difference(benign, seed_benign), mcnemar_p(benign, seed_benign)
    difference, perplexity_p = bootstrap.difference(*perplexity), bootstrap.randomisation_p(*perplexity)
    return [
        (name, "seed", "harmful_compliance", complied, harmful_p),
        (name, "seed", "over_refusal", refused, benign_p),
        (name, "seed", "perplexity", difference, perplexity_p),
    ]
