"""Ours: instruct data of some chunks by a served teacher, with every filter, as params.yaml has it.

Both kinds that models are trained on: questions about the chunks, which the teacher answers, and, by the
method `rules`, questions to the chunks' rules, which are the answers themselves.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from charter.generation.journal import JournaledEngine
from charter.generation.openai_engine import OpenAIEngine
from charter.generation.server import ModelServer
from charter.project.devices import resolve_device
from charter.project.params import load_params
from charter.project.paths import ProjectPaths
from charter.project.records import Chunk
from charter.project.storage import read_rows, write_json
from charter.retrieval.encoder import Encoder
from charter.synthesis.choose_method import choose_method
from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.set_filters import HeldOut
from charter.synthesis.steps import run_steps


def main() -> None:
    """Write pairs.json into the folder: the pairs that were kept, and how many had been written."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("root", "folder"):
        parser.add_argument(name, type=Path)
    for name in ("corpus", "url", "model"):
        parser.add_argument(name)
    options = parser.parse_args()
    paths = ProjectPaths(options.root)
    params = load_params(paths.params)
    chunks = read_rows(options.folder / "chunks.jsonl", Chunk)
    method = choose_method(params)(params.synthesize)
    engine = OpenAIEngine(ModelServer(options.url, options.model), concurrency=params.teacher.concurrency)
    start, ledger = [Draft(chunk) for chunk in chunks], Ledger("instruct")
    with JournaledEngine(options.folder / "journal.sqlite", options.model, lambda: engine) as teacher:
        context = SynthesisContext(
            title=params.corpora[options.corpus].title,
            chunks=chunks,
            rules=(),
            teacher=teacher,
            encoder=Encoder(paths.encoder, resolve_device(params.compute)),
            settings=params.synthesize,
            seed=params.seed,
        )
        context = replace(context, rules=method.list_rules(context)[0])
        # All is trained on, nothing held out.
        steps = (*method.questions, *method.trained(HeldOut((), method.leak)))
        kept = run_steps(steps, start, context, ledger)
        asked = HeldOut([replace(draft, answer="") for draft in kept], method.leak)
        to_rules = method.rule_questions(asked)
        rules = run_steps(to_rules, start, context, Ledger("rule")) if to_rules else []
    # A refused row has a second line where it was answered before.
    answered = sum("\n" in row.raw for row in ledger.rejected)
    result = {
        "written": len(kept) + len(rules) + answered,
        "rules": len(rules),
        "pairs": [{"question": draft.question, "answer": draft.answer} for draft in (*kept, *rules)],
    }
    write_json(options.folder / "pairs.json", result)


if __name__ == "__main__":
    main()
