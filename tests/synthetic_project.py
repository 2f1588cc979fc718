"""A project folder as the pipeline leaves it, with made-up figures: for what only reads results."""

import shutil
from pathlib import Path

import yaml

from charter.evaluation.results import (
    Comparison,
    Estimate,
    Evaluation,
    JudgeValidity,
    RefusalDetection,
    WinRate,
)
from charter.project.metric_names import METRICS, SYSTEMS, system_label
from charter.project.params import Params, load_params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import SPLITS, InstructExample, PreferencePair, Rejected, content_id
from charter.project.storage import directory_sha256, write_json, write_rows, write_text
from rows import chunk_of

ROOT = Path(__file__).parent.parent
BLEU = {
    "seed": 12.0,
    "seed+rag": 20.2,
    "cft": 11.0,
    "cft+rag": 19.5,
    "cft+gold": 24.0,
    "sft": 36.2,
    "sft+rag": 36.6,
    "dpo": 36.9,
    "dpo+rag": 36.7,
    "teacher+rag": 45.1,
}


def estimate(value: float, half_width: float = 1.0) -> Estimate:
    return Estimate(value=value, low=value - half_width, high=value + half_width, n=50)


def make_evaluation(
    corpus: str = "udhr", dpo_bleu: float = 36.9, judge_valid: bool = True, **lineage: str
) -> Evaluation:
    """An evaluation in which all text metrics follow BLEU."""
    bleu = BLEU | {"dpo": dpo_bleu}
    systems = {
        label: {
            metric: estimate(value if metric == "bleu" else value / 100, 0.5 if metric == "bleu" else 0.005)
            for metric in METRICS
        }
        | {"adherence": estimate(0.5 + value / 100, 0.05)}
        | ({"hit@1": estimate(0.8, 0.1)} if label.endswith("+rag") else {})
        for label, value in ((system_label(*system), bleu[system_label(*system)]) for system in SYSTEMS)
    }
    comparisons = [
        Comparison(
            system=system,
            against=against,
            metric=metric,
            difference=estimate(
                (bleu[system] - bleu[against]) / (1 if metric == "bleu" else 100),
                0.3 if metric == "bleu" else 0.003,
            ),
            ratio=bleu[system] / bleu[against],
            p=0.001,
            p_holm=0.01,
        )
        for system, opponents in (
            ("dpo", ("seed", "cft+rag", "cft+gold", "sft", "seed+rag", "teacher+rag")),
            ("sft", ("seed", "cft+rag", "cft+gold", "seed+rag", "teacher+rag")),
        )
        for against in opponents
        for metric in ("bleu", "rougeL")
    ]
    for system, change in (("cft", 0.02), ("sft", -0.2), ("dpo", -0.3)):
        for metric, difference in (
            ("harmful_compliance", estimate(change, 0.1)),
            ("over_refusal", estimate(-change / 10, 0.1)),
            ("perplexity", estimate(-10 * change, 1.5)),
        ):
            figures = systems[system]
            base = 11.0 if metric == "perplexity" else 0.5
            figures[metric] = estimate(base + difference.value, 0.1)
            systems["seed"][metric] = estimate(base, 0.1)
            comparisons.append(
                Comparison(
                    system=system,
                    against="seed",
                    metric=metric,
                    difference=difference,
                    ratio=None,
                    p=0.004 if abs(change) > 0.1 else 0.4,
                    p_holm=0.02 if abs(change) > 0.1 else 0.8,
                )
            )
        figures["seed_similarity"] = estimate(0.7, 0.05)
    judge = JudgeValidity(
        judge="qwen2.5-coder-1.5b-instruct",
        judge_sha256="c" * 64,
        is_teacher=True,
        identical=estimate(0.5, 0.01),
        shuffled=estimate(0.95, 0.03),
        preference=estimate(0.62, 0.1),
        first_position=0.55,
        consistency=0.8,
        mass=0.99,
        unparseable=0,
        valid=judge_valid,
    )
    win_rate = WinRate(
        opponent="teacher+rag",
        wins=20,
        ties=10,
        losses=20,
        length_controlled=0.5,
        mean_length=140.0,
        opponent_mean_length=150.0,
        first_position=0.55,
        consistency=0.8,
        mass=0.99,
        unparseable=0,
        if_lost=0.5,
        if_won=0.5,
    )
    hashes = {key: key[0] * 64 for key in ("document", "chunks", "sft_train", "sft_test", "preference_train")}
    return Evaluation(
        corpus=corpus,
        title=f"The {corpus} document",
        systems=systems,
        comparisons=comparisons,
        judge=judge,
        win_rates={"dpo": win_rate},
        refusals=RefusalDetection(
            labels=169,
            sensitivity=estimate(0.95, 0.03),
            specificity=estimate(0.94, 0.04),
            phrases_sensitivity=estimate(0.55, 0.1),
            phrases_specificity=estimate(0.97, 0.03),
        ),
        settings={"bleu": "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"},
        lineage=hashes | {"seed": "5" * 64, "sft_adapter": "1" * 64, "dpo_adapter": "2" * 64} | lineage,
    )


def make_project(root: Path, corpora: tuple[str, ...] = ("udhr", "bcg")) -> Params:
    """Lay out params.yaml and, for each corpus, everything that publishing reads."""
    shutil.copy(ROOT / "params.yaml", root / "params.yaml")
    for corpus in corpora:
        paths = ProjectPaths(root).corpus(corpus)
        for system in ("sft", "dpo"):
            write_text(paths.adapter(system) / "adapter_model.safetensors", f"{system} of {corpus}")
            write_text(paths.adapter(system) / "adapter_config.json", "{}")
            curve = "step,epoch,loss,eval_loss\n1,0.5,2.5,\n2,1.0,1.5,1.75\n"
            write_text(paths.curve(system), curve)
            write_json(paths.metrics(system), {"eval_loss": 1.75, "runtime_seconds": 12})
        write_json(paths.metrics("synthesize"), {"kept": 177, "rejected": {"too-similar": 12}})
        write_text(paths.predictions, "{}\n")
        write_results(paths)
    return load_params(root / "params.yaml")


def write_data(paths: CorpusPaths) -> None:
    """Write two chunks, and data made of the first: 2 training questions, a held-out one, and 2 pairs."""
    gifts = chunk_of(
        "Nobody may take gifts above 50 euros. Returned gifts are entered in the register.",
        chunk_id="gifts",
        document="rules.pdf",
        headings=("Rules", "Gifts"),
    )
    safety = chunk_of("Anyone may stop unsafe work.", chunk_id="safety", headings=("Rules", "Safety"))
    write_rows(paths.chunks, [gifts.model_copy(update={"pages": (3, 4)}), safety])
    answers = {
        "train": ["No, nobody may take gifts above 50 euros.", "Euros."],
        "validation": [],
        "test": ["Returned gifts are entered in the register."],
    }
    pairs = {"train": ["No, it is above 50 euros."], "validation": [], "test": ["Yes, gifts are entered."]}
    for split in SPLITS:
        examples = [
            InstructExample(
                id=content_id(answer), chunk_id="gifts", style="content", question=f"{split}?", answer=answer
            )
            for answer in answers[split]
        ]
        write_rows(paths.instruct(split), examples)
        rows = [
            PreferencePair(
                id=content_id(chosen), chunk_id="gifts", prompt="May I?", chosen=chosen, rejected="Perhaps."
            )
            for chosen in pairs[split]
        ]
        write_rows(paths.preference(split), rows)
    refused = {"kind": "preference", "filter": "verification", "reason": "because", "raw": "x"}
    write_rows(paths.rejected, [Rejected.model_validate({"id": "r", "chunk_id": "safety", **refused})])


def write_results(paths: CorpusPaths, dpo_bleu: float = 36.9, judge_valid: bool = True) -> None:
    """Write evaluate.json for the adapters that lie there."""
    adapters = {f"{system}_adapter": directory_sha256(paths.adapter(system)) for system in ("sft", "dpo")}
    evaluation = make_evaluation(paths.name, dpo_bleu, judge_valid, **adapters)
    write_json(paths.metrics("evaluate"), evaluation.model_dump())


def retrain(paths: CorpusPaths, beta: float, dpo_bleu: float) -> Params:
    """Change dpo.beta as a user would: another DPO adapter with other figures; the same SFT."""
    values = yaml.safe_load(paths.params.read_text())
    values["dpo"]["beta"] = beta
    paths.params.write_text(yaml.safe_dump(values))
    write_text(paths.adapter("dpo") / "adapter_model.safetensors", f"dpo of {paths.name} with beta {beta}")
    write_results(paths, dpo_bleu)
    return load_params(paths.params)
