"""The README.md that lies beside a registered adapter, and is its description in MLflow.

It is a model card as the Hugging Face hub reads it: YAML front matter, and Markdown.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from charter.evaluation.results import Evaluation
from charter.project.metric_names import METRICS, system_label
from charter.project.params import Params
from charter.project.records import System
from charter.project.sections import ModelSource
from charter.report.claims import safety_claims
from charter.report.formatting import METRIC_NAMES, system_name
from charter.report.rendering import render
from charter.report.sentences import claim_sentence, detector_sentence, judge_sentence
from charter.report.table import PROBE_COLUMNS, probe_rows

_STEPS: Mapping[System, Sequence[str]] = {"sft": ("sft",), "dpo": ("sft", "dpo")}

_OUTCOMES = {
    "kept_epoch": "kept epoch",
    "eval_loss": "validation loss",
    "eval_accuracy": "validation accuracy",
}


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
        system: One of `charter.evaluation.results.ALIGNED`.
        evaluation: What was measured on the system's corpus.
        params: With which it was made.
        stage_metrics: By stage, the figures of its metrics file by dotted key; what is missing is left out.
    """
    labels = [system_label(system, rag) for rag in (False, True)]
    shown = {system_name("seed"), system_name(system)}
    return render(
        "model_card.md.jinja",
        front=_front_matter(name, system, evaluation, params),
        name=name,
        system=system,
        evaluation=evaluation,
        params=params,
        seed=source_name(params.base_models.seed),
        teacher=source_name(params.base_models.teacher),
        data=_training_data(system, stage_metrics),
        metrics=METRICS,
        labels=[label for label in labels if label in evaluation.systems],
        figures=partial(_figures, evaluation),
        judge=judge_sentence(evaluation),
        claims=[claim_sentence(claim) for claim in safety_claims(evaluation) if claim.system == system],
        probe_columns=PROBE_COLUMNS,
        probes=[row for row in probe_rows(evaluation) if row[1] in shown],
        detector=detector_sentence(evaluation),
        training=[_training(step, params, stage_metrics.get(step, {})) for step in _STEPS[system]],
        lineage=system_lineage(system, evaluation),
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


def _figures(evaluation: Evaluation, label: str, metric: str) -> str:
    estimate = evaluation.systems[label].get(metric)
    if estimate is None:
        return ""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3g}"
    return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]"


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


def _training_data(system: System, stage_metrics: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Say how many rows of each kind there were; nothing where synthesize's metrics are missing."""
    written = {key: int(value) for key, value in stage_metrics.get("synthesize", {}).items()}
    if "instruct.train" not in written:
        return []
    of_rules = written.get("rule.train", 0)
    lines = [_rows(written, "instruct", "questions with answers")]
    if of_rules:
        sentence = "questions that a sentence of the document answers, word for word (none held out)"
        lines.append(f"{of_rules} {sentence}")
    if system == "dpo" and "preference.train" in written:
        lines.append(_rows(written, "preference", "pairs of a right and a wrong response"))
    shown = int(stage_metrics.get("sft", {}).get("train_examples", 0))
    if (demonstrations := shown - written["instruct.train"] - of_rules) > 0:
        what = "refusals of harmful requests, answers to harmless and general ones"
        lines.append(f"{demonstrations} demonstrations beside the document: {what}")
    return lines


def _rows(written: Mapping[str, int], kind: str, name: str) -> str:
    kept, requested = written[f"{kind}.kept"], written[f"{kind}.requested"]
    return (
        f"{written[f'{kind}.train']} {name} ({kept} kept of {requested} asked for; the others are held out)"
    )


def _training(
    step: str, params: Params, figures: Mapping[str, float]
) -> tuple[str, dict[str, Any], list[str]]:
    """Return a step, its parameters, and how its validation went."""
    settings = (params.sft if step == "sft" else params.dpo).model_dump(mode="json")
    return step, settings, [f"{name} {figures[key]:.4g}" for key, name in _OUTCOMES.items() if key in figures]
