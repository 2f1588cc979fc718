import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import mlflow.data
import pytest
import torch
import yaml
from mlflow import MlflowClient
from mlflow.entities import Run
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from charter.evaluation.results import load_evaluation
from charter.project.errors import CharterError
from charter.project.metric_names import SYSTEMS, system_label
from charter.project.params import Params, load_params
from charter.project.paths import CorpusPaths
from charter.project.storage import directory_sha256, write_json, write_text
from charter.registry import prompts, store, versions
from charter.registry.publishing import Publication, publish
from synthetic_project import add_judge, make_project, retrain, write_results

pytest_plugins = ["mlflow_store"]


def publish_all(root: Path, params: Params, corpora: Sequence[str] = ("udhr", "bcg")) -> list[Publication]:
    return [publish(root, params, corpus) for corpus in corpora]


LABELS = {system_label(system, rag) for system, rag in SYSTEMS}


def runs(mlflow_client: MlflowClient, corpus: str) -> list[Run]:
    experiment = mlflow_client.get_experiment_by_name(f"charter/{corpus}")
    assert experiment is not None
    return list(mlflow_client.search_runs([experiment.experiment_id]))


def digests(run: Run) -> dict[str, str]:
    assert run.inputs is not None
    return {item.dataset.name: item.dataset.digest for item in run.inputs.dataset_inputs}


def labelled(mlflow_client: MlflowClient, corpus: str) -> dict[str, Run]:
    found = runs(mlflow_client, corpus)
    by_label = {run.data.tags["label"]: run for run in found}
    assert len(by_label) == len(found)
    return by_label


def everything(mlflow_client: MlflowClient) -> list[str]:
    """All that a user could see twice, as strings."""
    experiments = [experiment.experiment_id for experiment in mlflow_client.search_experiments()]
    return sorted(
        [run.info.run_id for run in mlflow_client.search_runs(experiments)]
        + [model.model_id for model in mlflow_client.search_logged_models(experiments)]
        + [f"{version.name}/{version.version}" for version in mlflow_client.search_model_versions()]
    )


def test_each_corpus_has_a_run_for_the_state_and_below_it_one_for_each_system(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    publications = publish_all(project_root, make_project(project_root))

    assert [(item.experiment, item.created) for item in publications] == [
        ("charter/udhr", True),
        ("charter/bcg", True),
    ]
    by_label = labelled(mlflow_client, "udhr")
    assert set(by_label) == LABELS | {"pipeline"}
    assert {run.info.status for run in by_label.values()} == {"FINISHED"}
    parent = by_label.pop("pipeline")
    assert parent.info.run_id == publications[0].run_id
    assert {run.data.tags["mlflow.parentRunId"] for run in by_label.values()} == {parent.info.run_id}
    assert by_label["dpo+rag"].data.tags["rag"] == "true"

    dpo = by_label["dpo"].data
    assert dpo.params["dpo.beta"] == "0.1"
    assert dpo.params["sft.lora.rank"] == "32"
    assert dpo.params["corpus.path"] == "data/raw/udhr.html"
    assert not [key for key in dpo.params if key.startswith(("gates", "corpora"))]
    assert (dpo.metrics["bleu"], dpo.metrics["bleu_low"], dpo.metrics["bleu_high"]) == (36.9, 36.4, 37.4)
    assert (dpo.metrics["judge_validity"], dpo.metrics["judge_valid"]) == (0.95, 1.0)
    assert by_label["seed+rag"].data.metrics["hit_at_1"] == 0.8
    assert by_label["dpo"].data.metrics.keys() == labelled(mlflow_client, "bcg")["dpo"].data.metrics.keys()

    assert parent.data.metrics["aligned/dpo.bleu"] == 36.9
    assert parent.data.metrics["sft/runtime_seconds"] == 12
    assert parent.data.metrics["synthesize/rejected.too-similar"] == 12
    assert parent.data.tags["sha256.document"] == "d" * 64
    assert digests(parent) == {
        "chunks": "c" * 8,
        "sft_train": "s" * 8,
        "preference_train": "p" * 8,
        "sft_test": "s" * 8,
    }
    assert digests(by_label["sft"]).keys() == {"sft_train", "sft_test"}
    assert digests(by_label["seed+rag"]).keys() == {"sft_test"}
    top = {item.path for item in mlflow_client.list_artifacts(parent.info.run_id)}
    assert top == {"metrics", "params.yaml", "udhr.jsonl"}


def test_training_curves_are_logged_by_step_and_empty_cells_are_not(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    publish(project_root, make_project(project_root, ("udhr",)), "udhr")
    by_label = labelled(mlflow_client, "udhr")
    run_id = by_label["sft"].info.run_id
    assert [(m.step, m.value) for m in mlflow_client.get_metric_history(run_id, "train/loss")] == [
        (1, 2.5),
        (2, 1.5),
    ]
    assert [(m.step, m.value) for m in mlflow_client.get_metric_history(run_id, "train/eval_loss")] == [
        (2, 1.75)
    ]
    assert "train/loss" not in by_label["sft+rag"].data.metrics


def test_what_a_further_judge_says_makes_a_new_version_since_gates_may_go_by_it(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    params = make_project(project_root, ("udhr",))
    publish(project_root, params, "udhr")
    path = CorpusPaths(project_root, "udhr").metrics("evaluate")
    write_json(path, add_judge(load_evaluation(path)).model_dump())
    for _ in range(2):
        assert publish(project_root, params, "udhr").versions == {"charter-udhr": 2, "charter-udhr.sft": 2}
    version = mlflow_client.get_model_version("charter-udhr", "2")
    assert mlflow_client.get_run(version.run_id or "").data.metrics["win_rate_by_larger"] == 0.8


def test_publishing_again_writes_nothing(
    project_root: Path, mlflow_client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = make_project(project_root)
    first = publish_all(project_root, params)
    before = everything(mlflow_client)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    second = publish_all(project_root, params)
    assert everything(mlflow_client) == before
    assert [item.created for item in second] == [False, False]
    assert [item.run_id for item in second] == [item.run_id for item in first]
    assert not list(elsewhere.iterdir())


def test_the_report_joins_the_run_of_the_results_that_it_shows(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    params = make_project(project_root)
    paths = CorpusPaths(project_root, "udhr")
    shown = load_evaluation(paths.metrics("evaluate")).identity

    def published(text: str) -> list[str]:
        write_text(paths.report, text)
        run_id = publish(project_root, params, "udhr").run_id
        files = mlflow_client.list_artifacts(run_id, "report")
        return [Path(mlflow_client.download_artifacts(run_id, file.path)).read_text() for file in files]

    assert published("of other results") == []
    assert published(f"of {shown}") == [f"of {shown}"]
    assert published(f"better set, of {shown}") == [f"better set, of {shown}"]
    assert published("of other results") == [f"better set, of {shown}"]


def test_changed_gates_or_another_corpus_make_no_new_run(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    make_project(project_root, ("udhr",))
    publish(project_root, load_params(project_root / "params.yaml"), "udhr")
    before = everything(mlflow_client)
    values = yaml.safe_load((project_root / "params.yaml").read_text())
    values["gates"] = []
    values["corpora"]["other"] = {"path": "data/raw/other", "title": "Other"}
    (project_root / "params.yaml").write_text(yaml.safe_dump(values))
    publish(project_root, load_params(project_root / "params.yaml"), "udhr")
    assert everything(mlflow_client) == before


def test_a_new_state_gets_a_run_and_a_version_and_the_old_one_restored_gets_neither(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    old = make_project(project_root, ("udhr",))
    paths = CorpusPaths(project_root, "udhr")
    publish(project_root, old, "udhr")
    retrain(paths, beta=0.2, dpo_bleu=38.0)
    changed = publish(project_root, load_params(paths.params), "udhr")
    assert changed.created
    # The SFT model and what was measured on it are the same: one version of it is enough.
    assert changed.versions == {"charter-udhr": 2, "charter-udhr.sft": 1}
    before = everything(mlflow_client)

    make_project(project_root, ("udhr",))
    restored = publish(project_root, old, "udhr")
    assert not restored.created
    assert restored.versions == {"charter-udhr": 1, "charter-udhr.sft": 1}
    assert everything(mlflow_client) == before
    assert mlflow_client.get_registered_model("charter-udhr").aliases == {"candidate": 1}


@pytest.mark.parametrize("method", ["log_artifact", "log_outputs", "create_model_version"])
def test_an_interrupted_publication_is_not_taken_for_a_complete_one(
    project_root: Path, mlflow_client: MlflowClient, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    params = make_project(project_root, ("udhr",))

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, method, interrupt)
        with pytest.raises(KeyboardInterrupt):
            publish(project_root, params, "udhr")

    publish(project_root, params, "udhr")
    assert set(labelled(mlflow_client, "udhr")) == LABELS | {"pipeline"}
    assert {run.info.status for run in runs(mlflow_client, "udhr")} == {"FINISHED"}
    experiment = mlflow_client.get_experiment_by_name("charter/udhr")
    assert experiment is not None
    assert len(mlflow_client.search_logged_models([experiment.experiment_id])) == 2
    versions = sorted(
        f"{version.name}/{version.version}" for version in mlflow_client.search_model_versions()
    )
    assert versions == ["charter-udhr.sft/1", "charter-udhr/1"]


def test_a_version_leads_back_to_what_it_was_made_from(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    publish(project_root, make_project(project_root, ("udhr",)), "udhr")
    adapter = CorpusPaths(project_root, "udhr").adapter("dpo")
    version = mlflow_client.get_model_version_by_alias("charter-udhr", "candidate")
    assert version.tags["sha256.adapter"] == directory_sha256(adapter)
    assert version.tags["sha256.preference_train"] == "p" * 64
    assert version.tags["seed"] == "artifact smollm2-135m-instruct"
    assert version.tags["settings.bleu"].startswith("nrefs:1|")
    assert (version.tags["bleu"], version.tags["judge_valid"]) == ("36.9000", "true")
    assert version.run_id == labelled(mlflow_client, "udhr")["dpo"].info.run_id
    sft = mlflow_client.get_model_version_by_alias("charter-udhr.sft", "candidate")
    assert "sha256.preference_train" not in sft.tags

    recorded = versions.recorded_evaluation(mlflow_client, version, "dpo")
    assert recorded.systems["dpo"]["bleu"].value == 36.9
    assert versions.find_version(mlflow_client, "charter-udhr", "champion") is None
    assert versions.find_version(mlflow_client, "charter-nothing", "candidate") is None


def test_the_git_revision_tells_a_changed_source_from_changed_results(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    params = make_project(project_root, ("udhr",))
    write_text(project_root / "src/code.py", "x = 1\n")

    def git(*arguments: str) -> str:
        command = [
            "git",
            "-C",
            str(project_root),
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            *arguments,
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init")
    git("add", "src", "data")
    git("commit", "-m", "one")
    write_json(project_root / "data/metrics/udhr/extract.json", {"chunks": 30})
    publish(project_root, params, "udhr")
    tags = labelled(mlflow_client, "udhr")["pipeline"].data.tags
    assert (tags["mlflow.source.git.commit"], tags["git_dirty"]) == (git("rev-parse", "HEAD"), "false")

    write_text(project_root / "src/code.py", "x = 2\n")
    publish(project_root, retrain(CorpusPaths(project_root, "udhr"), beta=0.2, dpo_bleu=38.0), "udhr")
    version = mlflow_client.get_model_version_by_alias("charter-udhr", "candidate")
    assert version.tags["git_dirty"] == "true"


@pytest.mark.parametrize("value", ["0.1", "1e-01"])
def test_parameters_that_the_results_are_not_of_are_refused(project_root: Path, value: str) -> None:
    params = make_project(project_root, ("udhr",))
    lock = "schema: '2.0'\nstages:\n  {stage}:\n    params:\n      params.yaml:\n        dpo.beta: {value}\n"
    (project_root / "dvc.lock").write_text(lock.format(stage="dpo@udhr", value=value))
    publish(project_root, params, "udhr")
    (project_root / "dvc.lock").write_text(lock.format(stage="dpo@bcg", value="0.5"))
    publish(project_root, params, "udhr")
    (project_root / "dvc.lock").write_text(lock.format(stage="dpo@udhr", value="0.5"))
    with pytest.raises(CharterError, match=r"params\.yaml: dpo\.beta has changed since dpo ran"):
        publish(project_root, params, "udhr")


def test_validators_measured_with_other_parameters_are_left_out(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    params = make_project(project_root, ("udhr", "bcg"))
    recorded = {"params": {"params.yaml": {"labelled.bcg": "data/labelled/older.jsonl"}}}
    (project_root / "dvc.lock").write_text(yaml.safe_dump({"stages": {"validators@bcg": recorded}}))
    for corpus in ("udhr", "bcg"):
        write_json(
            CorpusPaths(project_root, corpus).metrics("validators"), {"support": {"auc": {"value": 0.75}}}
        )
    publish_all(project_root, params)
    name = "validators/support.auc.value"
    assert labelled(mlflow_client, "udhr")["pipeline"].data.metrics[name] == 0.75
    outdated = labelled(mlflow_client, "bcg")["pipeline"]
    assert name not in outdated.data.metrics
    stored = {item.path for item in mlflow_client.list_artifacts(outdated.info.run_id, "metrics")}
    assert "metrics/evaluate.json" in stored
    assert "metrics/validators.json" not in stored


def test_an_adapter_that_was_not_evaluated_is_refused(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    params = make_project(project_root, ("udhr",))
    write_text(
        CorpusPaths(project_root, "udhr").adapter("dpo") / "adapter_model.safetensors", "other weights"
    )
    with pytest.raises(CharterError, match="models/dpo/udhr: not the adapter that evaluate measured"):
        publish(project_root, params, "udhr")
    assert mlflow_client.get_experiment_by_name("charter/udhr") is None


def test_without_adapters_the_runs_are_published_and_nothing_is_registered(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    params = make_project(project_root, ("udhr",))
    shutil.rmtree(project_root / "models")
    publication = publish(project_root, params, "udhr")
    assert publication.versions == {}
    assert set(labelled(mlflow_client, "udhr")) == LABELS | {"pipeline"}
    assert mlflow_client.search_registered_models() == []


def test_unknown_and_unevaluated_corpora_are_named(project_root: Path) -> None:
    params = make_project(project_root, ("udhr",))
    with pytest.raises(CharterError, match=r"corpora\.typo: no such corpus"):
        publish(project_root, params, "typo")
    with pytest.raises(CharterError, match=r"bcg/evaluate\.json"):
        publish(project_root, params, "bcg")


def test_a_run_id_in_the_environment_changes_nothing(
    project_root: Path, mlflow_client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = make_project(project_root)
    first = publish(project_root, params, "udhr")
    monkeypatch.setenv("MLFLOW_RUN_ID", first.run_id)
    publish(project_root, params, "bcg")
    assert set(labelled(mlflow_client, "udhr")) == set(labelled(mlflow_client, "bcg"))


def test_the_environment_overrides_the_store(
    project_root: Path, empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.db"
    shutil.copy(empty_store, other)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other}")
    monkeypatch.setenv("DVC_EXP_NAME", "crisp-lark")
    publication = publish(project_root, make_project(project_root, ("udhr",)), "udhr")
    run = MlflowClient(tracking_uri=f"sqlite:///{other}").get_run(publication.run_id)
    assert run.data.tags["dvc_experiment"] == "crisp-lark"
    assert f"sqlite:///{other}" in store.ui_command(project_root, 5000)
    assert (
        MlflowClient(tracking_uri=f"sqlite:///{project_root}/mlflow.db").get_experiment_by_name(
            "charter/udhr"
        )
        is None
    )


def test_the_ui_serves_the_projects_store_to_this_machine_only(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = store.ui_command(project_root, 5001)
    assert command[command.index("--backend-store-uri") + 1] == f"sqlite:///{project_root}/mlflow.db"
    assert command[command.index("--default-artifact-root") + 1] == f"file://{project_root}/mlartifacts"
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--port") + 1] == "5001"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org")
    with pytest.raises(CharterError, match="open that address in a browser"):
        store.ui_command(project_root, 5001)


@pytest.mark.models
def test_the_registered_model_answers_as_the_trained_one(
    project_root: Path, tiny_seed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loads it by the code of its own card, in the project's folder, and compares logits."""
    params = make_project(project_root, ("udhr",))
    paths = CorpusPaths(project_root, "udhr")
    prompt = AutoTokenizer.from_pretrained(tiny_seed)("Who may vote?", return_tensors="pt")
    expected = {}
    for number, system in enumerate(("sft", "dpo")):
        torch.manual_seed(number)
        seed = AutoModelForCausalLM.from_pretrained(tiny_seed)
        lora = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
        model = get_peft_model(seed, lora).eval()
        shutil.rmtree(paths.adapter(system))
        model.save_pretrained(paths.adapter(system))
        AutoTokenizer.from_pretrained(tiny_seed).save_pretrained(paths.adapter(system))
        with torch.no_grad():
            expected[system] = model(**prompt).logits
    write_results(paths)
    publish(project_root, params, "udhr")

    shutil.rmtree(paths.adapter("sft"))
    shutil.rmtree(paths.adapter("dpo"))
    monkeypatch.chdir(project_root)
    paths.seed.parent.mkdir(parents=True)
    paths.seed.symlink_to(tiny_seed)
    for system, name in (("sft", "charter-udhr.sft"), ("dpo", "charter-udhr")):
        version = MlflowClient().get_model_version_by_alias(name, "candidate")
        assert len(version.description) < 5000
        code = version.description.split("```python\n")[1].split("```")[0]
        loaded: dict[str, Callable[..., object] | PeftModel] = {}
        exec(code, loaded)
        model = loaded["model"]
        assert isinstance(model, PeftModel)
        with torch.no_grad():
            logits = model.eval()(**loaded["tokenizer"]("Who may vote?", return_tensors="pt")).logits
        torch.testing.assert_close(logits, expected[system], rtol=0, atol=0)
    assert (expected["dpo"] - expected["sft"]).abs().max() > 1e-3


def test_data_sets_have_dvcs_hash_and_lead_to_their_files(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    params = make_project(project_root, ("udhr",))
    file = {"path": "data/synthetic/udhr/sft_train.jsonl", "hash": "md5", "md5": "9" * 32}
    (project_root / "dvc.lock").write_text(yaml.safe_dump({"stages": {"sft@udhr": {"deps": [file]}}}))
    publish(project_root, params, "udhr")
    run = labelled(mlflow_client, "udhr")["sft"]
    assert run.inputs is not None
    train, test = run.inputs.dataset_inputs
    assert [(tag.key, tag.value) for tag in train.tags] == [("mlflow.data.context", "training")]
    assert json.loads(train.dataset.source) == {"uri": file["path"], "md5": "9" * 32}
    assert json.loads(train.dataset.profile or "") == {"sha256": "s" * 64}
    assert json.loads(test.dataset.source) == {"uri": "data/synthetic/udhr/sft_test.jsonl"}
    assert mlflow.data.get_source(train).uri == file["path"]


def test_a_logged_model_has_the_figures_of_its_run_and_what_they_were_measured_on(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    publish(project_root, make_project(project_root, ("udhr",)), "udhr")
    run = labelled(mlflow_client, "udhr")["dpo"]
    assert run.outputs is not None
    [output] = run.outputs.model_outputs
    model = mlflow_client.get_logged_model(output.model_id)
    assert model.source_run_id == run.info.run_id
    assert model.metrics is not None
    figures = {metric.key: metric for metric in model.metrics}
    assert figures["bleu"].value == run.data.metrics["bleu"] == 36.9
    assert (figures["bleu"].dataset_name, figures["bleu_low"].dataset_digest) == ("sft_test", "s" * 8)
    assert figures["over_refusal"].dataset_name is None
    history = mlflow_client.get_metric_history(run.info.run_id, "bleu")
    assert [metric.value for metric in history] == [36.9]


def test_a_run_leads_to_the_prompts_that_its_code_has(
    project_root: Path, mlflow_client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = make_project(project_root, ("udhr",))
    publish(project_root, params, "udhr")
    tags = labelled(mlflow_client, "udhr")["pipeline"].data.tags
    folders = prompts.prompt_folders()
    assert folders.keys() == {"evaluation", "generation", "safety", "synthesis", "training"}
    for room, folder in folders.items():
        assert tags[f"sha256.prompts.{room}"] == directory_sha256(folder)
    linked = {item["name"]: item["version"] for item in json.loads(tags["mlflow.linkedPrompts"])}
    assert len(linked) == sum(len(list(folder.glob("*.jinja"))) for folder in folders.values())
    answer = mlflow_client.get_prompt_version("charter.training.answer", linked["charter.training.answer"])
    assert answer.template == (folders["training"] / "answer.jinja").read_text()

    changed = project_root / "prompts"
    shutil.copytree(folders["training"], changed)
    write_text(changed / "answer.jinja", "Answer: {{ question }}")
    monkeypatch.setattr(prompts, "prompt_folders", lambda: {"training": changed})
    for _ in range(2):
        [found] = prompts.register_prompts(mlflow_client)
        assert found == {"name": "charter.training.answer", "version": "2"}
