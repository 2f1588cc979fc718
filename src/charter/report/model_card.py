"""The README.md that lies beside a registered adapter, and is its description in MLflow.

It is a model card as the Hugging Face hub reads it: YAML front matter, and Markdown.
"""

from collections.abc import Mapping

from huggingface_hub import EvalResult, ModelCardData

from charter.evaluation.results import Evaluation
from charter.project.metric_names import METRICS, system_label
from charter.project.model_sections import ModelSource
from charter.project.params import Params
from charter.project.records import System
from charter.report.claims import safety_claims
from charter.report.formatting import METRIC_NAMES, system_name
from charter.report.judges import judges_sentence, win_rate_columns, win_rate_rows
from charter.report.rendering import render
from charter.report.sentences import claim_sentence, detector_sentence
from charter.report.table import PROBE_COLUMNS, probe_rows


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
    shown = {system_name("seed"), system_name(system)}
    own = {system_name(system), system_name(system_label(system, True))}
    return render(
        "model_card.md.jinja",
        front=_front_matter(name, system, evaluation, params),
        name=name,
        system=system,
        evaluation=evaluation,
        params=params,
        settings=params.model_dump(mode="json"),
        stage_metrics=stage_metrics,
        source_name=source_name,
        judges=judges_sentence(evaluation),
        win_rate_columns=win_rate_columns(evaluation),
        win_rates=[row for row in win_rate_rows(evaluation) if row[0] in own],
        claims=[claim_sentence(claim) for claim in safety_claims(evaluation) if claim.system == system],
        probe_columns=PROBE_COLUMNS,
        probes=[row for row in probe_rows(evaluation) if row[1] in shown],
        detector=detector_sentence(evaluation),
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
