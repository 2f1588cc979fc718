"""sdg_hub: its flow that asks and answers questions of a document, and filters by faithfulness.

It runs in an environment that has sdg_hub and not Charter.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from datasets import Dataset
from sdg_hub import Flow, FlowRegistry

FLOW = "Document Based Knowledge Tuning Dataset Generation Flow"
CHECK = "eval_faithful_llm_chat"
CONCURRENCY = 64
"""As many requests at once as ours."""

TIMEOUT_SECONDS = 600
"""Its 120 s are for servers with GPUs: here requests would be given up and asked again."""

EXAMPLE = {
    "icl_document": "A book may be kept for four weeks. Who returns it late pays ten cents a day, and nobody "
    "under the age of fourteen pays anything. Rare books are read in the reading room only.",
    "icl_query_1": "For how many weeks may a reader keep a book from the library?",
    "icl_query_2": "Does a child of twelve have to pay for a book that is returned late?",
    "icl_query_3": "Where may rare books be read?",
}
"""The flow wants a document and three questions about it, as the user would like them asked."""


def main() -> None:
    """Write pairs.json into the folder: the pairs that were kept, and how many had been written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    for name in ("title", "url", "model"):
        parser.add_argument(name)
    options = parser.parse_args()
    lines = (options.folder / "chunks.jsonl").read_text().splitlines()
    rows = [document_of(json.loads(line), options.title) for line in lines]
    FlowRegistry.discover_flows()
    flow = Flow.from_yaml(FlowRegistry.get_flow_path(FLOW))
    flow.set_model_config(
        model=f"openai/{options.model}", api_base=options.url, api_key="none", timeout=TIMEOUT_SECONDS
    )
    logs = options.folder / "logs"
    kept = flow.generate(Dataset.from_list(rows), max_concurrency=CONCURRENCY, log_dir=str(logs))
    pairs = [{"question": row["question"], "answer": row["response"]} for row in kept]
    result = {"written": count_written(logs), "pairs": pairs}
    (options.folder / "pairs.json").write_text(json.dumps(result))


def document_of(chunk: dict[str, Any], title: str) -> dict[str, str]:
    """Return a chunk as the flow takes a document: its outline is the title and the headings above it."""
    outline = " / ".join([title, *chunk["headings"]])
    return {"document": chunk["text"], "document_outline": outline, "domain": title} | EXAMPLE


def count_written(logs: Path) -> int:
    """Return how many answers reached the faithfulness check, by the metrics that the flow leaves."""
    (metrics,) = logs.glob("*metrics*.json")
    blocks = json.loads(metrics.read_text())["block_metrics"]
    return next(int(block["input_rows"]) for block in blocks if block["block_name"] == CHECK)


if __name__ == "__main__":
    main()
