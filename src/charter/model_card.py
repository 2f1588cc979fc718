"""The README.md that lies beside a registered adapter, and is its description in MLflow."""

from charter.params import ModelSource, Params
from charter.records import System
from charter.results import METRICS, Evaluation, system_label
from charter.state import ALIGNED

_CARD = """\
# {name}

The seed model aligned with *{title}* by {method}, as a LoRA adapter over the seed.

## Held-out questions

| system | {header} |
|---|{rule}|
{rows}

With 95 % intervals; what else was measured is in `evaluate.json`. The judge behind the win rate
({judge}) {verdict}.

## Use

In the project's folder; elsewhere set MLFLOW_TRACKING_URI and the seed's path.

```python
import mlflow
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = mlflow.artifacts.download_artifacts("models:/{name}@candidate")  # or @champion, or /VERSION
seed = AutoModelForCausalLM.from_pretrained("models/base/seed")
model = PeftModel.from_pretrained(seed, f"{{folder}}/adapter")
tokenizer = AutoTokenizer.from_pretrained(f"{{folder}}/adapter")
```

The seed is {seed}, SHA-256 `{seed_sha256}`; `dvc repro base-models` makes `models/base/seed`.
Ask it with the prompt it was trained with, `src/charter/prompts/answer.jinja`.

## Lineage (SHA-256)

{lineage}
"""


def model_card(name: str, system: System, evaluation: Evaluation, params: Params) -> str:
    """Write the model card of an aligned system, in Markdown.

    Args:
        name: The registered model's name.
        system: One of `charter.state.ALIGNED`.
        evaluation: What was measured on the system's corpus.
        params: Tells where the seed model comes from.
    """
    labels = [
        system_label(system, rag) for rag in (False, True) if system_label(system, rag) in evaluation.systems
    ]
    judge = evaluation.judge
    return _CARD.format(
        name=name,
        title=evaluation.title,
        method="SFT, then DPO against the SFT model" if system == ALIGNED[0] else "SFT",
        header=" | ".join(METRICS),
        rule="---|" * (len(METRICS) - 1) + "---",
        rows="\n".join(_row(evaluation, label) for label in labels),
        judge=judge.judge,
        verdict="passed its controls" if judge.valid else "failed its controls, so the win rate says nothing",
        seed=source_name(params.base_models.seed),
        seed_sha256=evaluation.lineage.get("seed", "unknown"),
        lineage="\n".join(f"- {key}: `{value}`" for key, value in system_lineage(system, evaluation).items()),
    )


def source_name(source: ModelSource) -> str:
    """Say where a base model comes from, such as ``artifact smollm2-135m-instruct``."""
    ((kind, value),) = source.model_dump(exclude_none=True).items()
    return f"{kind} {value}"


def system_lineage(system: System, evaluation: Evaluation) -> dict[str, str]:
    """Select the hashes of what an aligned system was made from, its own adapter as ``adapter``."""
    foreign = ("preference_",) if system == "sft" else ()
    lineage = {
        key: value
        for key, value in evaluation.lineage.items()
        if not key.endswith("_adapter") and not key.startswith(foreign)
    }
    return lineage | {"adapter": evaluation.lineage[f"{system}_adapter"]}


def _row(evaluation: Evaluation, label: str) -> str:
    cells = []
    for metric in METRICS:
        estimate = evaluation.systems[label].get(metric)
        if estimate is None:
            cells.append("")
        elif estimate.low is None or estimate.high is None:
            cells.append(f"{estimate.value:.3g}")
        else:
            cells.append(f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]")
    return f"| {label} | {' | '.join(cells)} |"
