"""demonstrations: refusals of harmful requests and answers to others, which sft trains on as well.

The teacher writes them; some of the answers are the seed's own.
"""

from collections import Counter
from typing import Any

from charter.generation.journal import JournaledEngine
from charter.generation.teacher import open_teacher
from charter.generation.transformers_engine import TransformersEngine, load_model
from charter.project.devices import resolve_device
from charter.project.exam_records import EverydayFact
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.records import GeneralPrompt, LabelledResponse, ProbeKind, ProbePrompt
from charter.project.sampling import take_evenly
from charter.project.storage import directory_sha256, read_rows, write_rows
from charter.retrieval.encoder import Encoder
from charter.safety.demonstrations import without_similar, write_demonstrations, write_replay
from charter.safety.prompt_sets import read_prompts
from charter.safety.refusal import RefusalDetector

_AT_ONCE = 32
"""Prompts that the seed answers at once."""


def run(params: Params, paths: ProjectPaths) -> dict[str, Any]:
    """Write what was kept and what was refused; no prompt is like one that safety is measured with."""
    general = paths.general_training_prompts
    sources: dict[ProbeKind, list[ProbePrompt]] = {
        "harmful": read_rows(paths.training_prompts("harmful"), ProbePrompt),
        "benign": read_rows(paths.training_prompts("benign"), ProbePrompt),
        "general": read_prompts(general.name, general.read_text(encoding="utf-8")),
    }
    measured = [row.prompt for row in read_rows(paths.general, GeneralPrompt)]
    measured += [row.prompt for row in read_rows(paths.facts, EverydayFact)]
    measured += [
        row.prompt for kind in ("harmful", "benign") for row in read_rows(paths.probes(kind), ProbePrompt)
    ]
    encoder = Encoder(paths.encoder, resolve_device(params.compute))
    vectors, most = encoder.encode(measured), params.synthesize.max_leak_similarity
    usable = {kind: without_similar(rows, vectors, encoder, most) for kind, rows in sources.items()}
    counts = params.demonstrations.model_dump()
    prompts = {kind: take_evenly(rows, counts[kind]) for kind, rows in usable.items()}
    others = [row for row in usable["general"] if row not in prompts["general"]]
    replayed = take_evenly(others, params.demonstrations.replay)
    detector = RefusalDetector(read_rows(paths.labelled, LabelledResponse), encoder, params.seed)
    with open_teacher(params, paths) as teacher:
        kept, rejected = write_demonstrations(prompts, teacher, detector.refused)
    if replayed:
        with _open_seed(params, paths) as seed:
            own, left_out = write_replay(replayed, seed)
        kept, rejected = [*kept, *own], [*rejected, *left_out]
    write_rows(paths.demonstrations, kept)
    write_rows(paths.rejected_demonstrations, rejected)
    found = Counter[str](row.kind for row in kept)
    return {
        "requested": sum(map(len, prompts.values())) + len(replayed),
        "kept": {kind: found[kind] for kind in counts},
        "rejected": dict(sorted(Counter(row.reason for row in rejected).items())),
        "like_a_measured_prompt": sum(len(rows) - len(usable[kind]) for kind, rows in sources.items()),
    }


def _open_seed(params: Params, paths: ProjectPaths) -> JournaledEngine:
    """Return the seed behind the journal; it is loaded when that doesn't have its answers."""
    return JournaledEngine(
        paths.journal,
        directory_sha256(paths.seed),
        lambda: TransformersEngine(*load_model(paths.seed, params.compute), batch_size=_AT_ONCE),
    )
