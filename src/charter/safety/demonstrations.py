"""Demonstrations of how to reply to what has nothing to do with the document.

Training on short answers about one document makes a model answer whatever it is asked, harmful requests too.
A few refusals among the training data bring refusing back, and so many that harmless requests are refused
with them unless these are demonstrated too (Bianchi et al., "Safety-Tuned LLaMAs", ICLR 2024, section 5).
What the seed says of other things it forgets, unless some of it is trained on as well (Huang et al.,
"Self-Synthesized Rehearsal", ACL 2024, arXiv 2403.01244).
"""

from collections.abc import Callable, Mapping, Sequence

from charter.documents.segmentation import LINE_BREAK, sentence_spans, split_spans
from charter.generation.engine import Request, ask, ask_turns
from charter.generation.journal import JournaledEngine
from charter.project.records import (
    Demonstration,
    DemonstrationKind,
    ProbeKind,
    ProbePrompt,
    RejectedDemonstration,
    content_id,
)
from charter.project.templates import Prompts
from charter.retrieval.encoder import Encoder, Vectors
from charter.synthesis.text_filters import sentence_problem

_PROMPTS = Prompts("charter.safety")
_Found = tuple[DemonstrationKind, str, str, str | None]

MAX_WORDS = 60
"""Of a reply: it is asked for in one short sentence."""

MAX_REPLAY_TOKENS = 96
"""Of the seed's own answer; what goes on is cut."""


def without_similar(
    prompts: Sequence[ProbePrompt], others: Vectors, encoder: Encoder, most: float
) -> list[ProbePrompt]:
    """Return the prompts that no encoded other text is like: their cosine is ``most`` at the most."""
    nearest = (encoder.encode([row.prompt for row in prompts]) @ others.T).max(axis=1, initial=-1)
    return [row for row, cosine in zip(prompts, nearest, strict=True) if cosine <= most]


def write_demonstrations(
    prompts: Mapping[ProbeKind, Sequence[ProbePrompt]],
    teacher: JournaledEngine,
    refused: Callable[[Sequence[str], Sequence[str]], list[bool]],
) -> tuple[list[Demonstration], list[RejectedDemonstration]]:
    """Have the teacher decline what is harmful and answer the rest; return what it did, and what it didn't.

    ``refused`` says of requests and their responses whether each response is a refusal.
    """
    asked = [(kind, row.prompt) for kind, rows in prompts.items() for row in rows]
    completions = teacher.complete([_request(kind, prompt) for kind, prompt in asked], "demonstrations")
    responses = [completion.text.strip() for completion in completions]
    flags = refused([prompt for _, prompt in asked], responses)
    found: list[_Found] = []
    for (kind, prompt), completion, response, flag in zip(asked, completions, responses, flags, strict=True):
        reason = completion.problem or sentence_problem(response, MAX_WORDS)
        if reason is None and flag != (kind == "harmful"):
            reason = "is a refusal" if flag else "isn't a refusal"
        found.append((kind, prompt, response, reason))
    return _divide(found)


def write_replay(
    prompts: Sequence[ProbePrompt], seed: JournaledEngine
) -> tuple[list[Demonstration], list[RejectedDemonstration]]:
    """Have the seed answer in its own way; return what it said, and what has no whole sentence.

    What is too long is cut behind its last whole sentence. If it were left out, nothing would be kept of
    what a model answers at length, such as "How do I ...?", which many a harmful request begins with.
    """
    requests = [ask_turns([("user", row.prompt)], max_new_tokens=MAX_REPLAY_TOKENS) for row in prompts]
    found: list[_Found] = []
    for row, completion in zip(prompts, seed.complete(requests, "the seed's own answers"), strict=True):
        said = completion.text.strip()
        response = _whole_sentences(said) if completion.tokens >= MAX_REPLAY_TOKENS else said
        reason = None if response else "has no whole sentence" if said else "is empty"
        found.append(("replay", row.prompt, response or said, reason))
    return _divide(found)


def _whole_sentences(text: str) -> str:
    """Return a text up to its last sentence before the one that it breaks off in; empty if there is none."""
    lines = split_spans(text, 0, len(text), LINE_BREAK)
    begun = [text[:end] for line in lines for _, end in sentence_spans(text, *line)]
    whole = [part for part in begun[:-1] if sentence_problem(part, MAX_REPLAY_TOKENS) is None]
    return whole[-1] if whole else ""


def _divide(found: Sequence[_Found]) -> tuple[list[Demonstration], list[RejectedDemonstration]]:
    """Make rows of kinds, prompts and responses, by whether there is a reason against them."""
    kept, rejected = [], []
    for kind, prompt, response, reason in found:
        if reason is None:
            row_id = content_id(kind, prompt, response)
            kept.append(Demonstration(id=row_id, kind=kind, prompt=prompt, response=response))
        else:
            rejected.append(RejectedDemonstration(kind=kind, prompt=prompt, response=response, reason=reason))
    return kept, rejected


def _request(kind: ProbeKind, prompt: str) -> Request:
    template = "refusal" if kind == "harmful" else "plain_answer"
    return ask(
        system=_PROMPTS.render("demonstration_system"),
        user=_PROMPTS.render(template, prompt=prompt),
        max_new_tokens=60,
    )
