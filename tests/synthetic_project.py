"""A project folder as the pipeline leaves it, with made-up figures: for what only reads results."""

import shutil
from pathlib import Path

import yaml

from charter.documents.segmentation import split_sentences
from charter.evaluation.exam_scoring import add_exam_scores
from charter.evaluation.results import (
    Comparison,
    Estimate,
    Evaluation,
    FurtherJudge,
    JudgeAgreement,
    JudgeValidity,
    RefusalDetection,
    WinRate,
)
from charter.evaluation.statistics import Resampling
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.project.metric_names import METRICS, SYSTEMS, system_label
from charter.project.params import Params, load_params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import SPLITS, InstructExample, PreferencePair, Rejected, content_id
from charter.project.storage import directory_sha256, write_json, write_rows, write_text
from exam_rows import answer_of, decision_of, dilemma_of, question_of
from rows import chunk_of, rule_of

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
    "teacher": 30.3,
    "teacher+rag": 45.1,
    "echo": 16.5,
    "nearest-sentence": 31.0,
    "nearest-answer": 28.0,
    "always-yes": 0.2,
    "always-no": 0.1,
    "refuse-all": 1.0,
    "never-answered": 1.5,
}

RIGHT_ANSWERS = {
    "seed": 5,
    "seed+rag": 15,
    "cft": 4,
    "cft+rag": 11,
    "sft": 6,
    "sft+rag": 14,
    "dpo": 7,
    "dpo+rag": 16,
    "teacher": 8,
    "teacher+rag": 28,
    "nearest-sentence": 22,
    "nearest-answer": 9,
    "always-yes": 3,
    "always-no": 2,
}
"""Of the 40 questions of `sit_exam`; who isn't here has none."""

DECIDED_RIGHTLY = {"seed": 11, "seed+rag": 13, "cft": 12, "cft+rag": 12, "sft": 13, "dpo": 17, "dpo+rag": 13}
"""Of its 24 dilemmas."""


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
            ratio=estimate(bleu[system] / bleu[against], 0.05),
            p=0.001,
            p_holm=0.01 if against == "cft+rag" else None,
            smallest=11.2 if metric == "bleu" else 0.07,
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
            ("everyday_refusal", estimate(-change / 10, 0.01)),
            ("everyday_facts", estimate(change / 100, 0.02)),
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
                    smallest=None,
                )
            )
        figures["perplexity_ratio"] = estimate(1 - change / 10, 0.05)
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


def add_judge(
    evaluation: Evaluation, name: str = "larger", win_rate: float = 0.8, judge_valid: bool = True
) -> Evaluation:
    """Let a model that isn't the teacher judge dpo too; it agrees with the first judge by .4."""
    validity = evaluation.judge.model_copy(
        update={"judge": f"{name}-32b", "judge_sha256": "d" * 64, "is_teacher": False, "valid": judge_valid}
    )
    further = FurtherJudge(
        validity=validity,
        estimates={"dpo": estimate(win_rate, 0.05)},
        win_rates={"dpo": evaluation.win_rates["dpo"].model_copy(update={"opponent": "seed+rag"})},
    )
    agreement = JudgeAgreement(judges=(evaluation.judge_name, name), kappa=estimate(0.4, 0.1))
    return evaluation.model_copy(update={"further_judges": {name: further}, "judge_agreement": [agreement]})


def sit_exam(
    evaluation: Evaluation, right: dict[str, int] = RIGHT_ANSWERS, decided: dict[str, int] = DECIDED_RIGHTLY
) -> tuple[Evaluation, list[ExamAnswer], list[ExamDecision]]:
    """Let every system sit an exam, whose first items are right by the counts given.

    Five questions and three dilemmas rest on the first rule of `write_data`, the others on the second; dpo's
    margins are the greater the farther an item is from the first wrong one.
    """
    quotes = ("Nobody may take gifts above 50 euros.", "Returned gifts are entered in the register.")
    answers = [
        answer_of(
            question_of(f"q{number:02}", f"Part {number % 8}", quote=quotes[number >= 5]),
            *system,
            chunk_id="gifts",
            fault=None if number < right.get(system_label(*system), 0) else "a key fact is missing",
        )
        for system in SYSTEMS
        for number in range(40)
    ]
    decisions = [
        decision_of(
            dilemma_of(f"d{number:02}", f"Part {number % 8}", quote=quotes[number >= 3]),
            *system,
            margin=(decided[system_label(*system)] - number - 0.5) / 10,
            chunk_id="gifts",
        )
        for system in SYSTEMS
        if system_label(*system) in decided
        for number in range(24)
    ]
    return add_exam_scores(evaluation, answers, decisions, Resampling(200, 42)), answers, decisions


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
    """Write two chunks, their 3 rules, and data of the first: 3 questions, one held out, 2 pairs."""
    gifts = chunk_of(
        "Nobody may take gifts above 50 euros. Returned gifts are entered in the register.",
        chunk_id="gifts",
        document="rules.pdf",
        headings=("Rules", "Gifts"),
    )
    safety = chunk_of("Anyone may stop unsafe work.", chunk_id="safety", headings=("Rules", "Safety"))
    write_rows(paths.chunks, [gifts.model_copy(update={"pages": (3, 4)}), safety])
    first, second = split_sentences(gifts.text)
    grey = rule_of(safety, safety.text, modality="right", grey="implied: who judges it")
    write_rows(paths.rules, [rule_of(gifts, first), rule_of(gifts, second), grey])
    answers = {
        "train": ["No, nobody may take gifts above 50 euros.", "Euros."],
        "validation": [],
        "test": ["Returned gifts are entered in the register."],
    }
    pairs = {"train": ["No, it is above 50 euros."], "validation": [], "test": ["Yes, gifts are entered."]}
    for split in SPLITS:
        examples = [
            InstructExample(
                id=content_id(answer),
                chunk_id="gifts",
                rule="",
                style="content",
                question=f"{split}?",
                answer=answer,
                support="Nobody may take gifts above 50 euros." if split == "train" else "",
            )
            for answer in answers[split]
        ]
        write_rows(paths.instruct(split), examples)
        rows = [
            PreferencePair(
                id=content_id(chosen),
                rule="",
                chunk_id="gifts",
                prompt="May I?",
                chosen=chosen,
                rejected="Perhaps.",
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
