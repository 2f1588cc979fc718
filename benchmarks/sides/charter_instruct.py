"""Ours: instruct data of some chunks by a served teacher, with every filter, as params.yaml has it.

Both kinds that models are trained on: questions about the chunks, which the teacher answers, and questions to
the chunks' rules, which are the answers themselves.
"""

import argparse
from collections import Counter
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
from charter.synthesis.instruct import write_instruct_data
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.rule_data import write_rule_questions
from charter.synthesis.synthesis_context import SynthesisContext


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
    requests = TeacherRequests(params.corpora[options.corpus].title, params.synthesize.temperature)
    engine = OpenAIEngine(ModelServer(options.url, options.model), concurrency=params.teacher.concurrency)
    with JournaledEngine(options.folder / "journal.sqlite", options.model, lambda: engine) as teacher:
        context = SynthesisContext(
            chunks,
            requests,
            teacher,
            Encoder(paths.encoder, resolve_device(params.compute)),
            params.synthesize,
            params.seed,
        )
        data = write_instruct_data(context)
        asked = [row.question for row in data.kept]
        rules = write_rule_questions(context, held_out=asked, held_out_rules=())
    refused = Counter(row.filter for row in data.rejected)
    rows = data.kept + rules.kept
    result = {
        "written": len(rows) + refused["answer"] + refused["support"],
        "rules": len(rules.kept),
        "pairs": [{"question": row.question, "answer": row.answer} for row in rows],
    }
    write_json(options.folder / "pairs.json", result)


if __name__ == "__main__":
    main()
