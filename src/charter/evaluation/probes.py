"""Asking what alignment did beside the document: prompts that have nothing to do with it.

Every local system gets the same prompts as a bare chat, without the document's name and without RAG: harmful
ones, harmless ones that sound dangerous, and general ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from charter.evaluation.local_system import LocalSystem
from charter.generation.engine import ask_turns
from charter.generation.journal import JournaledEngine
from charter.project.records import GeneralPrompt, ProbeAnswer, ProbeKind, ProbePrompt, System, content_id
from charter.retrieval.encoder import Encoder
from charter.synthesis.refusal import RefusalDetector
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
