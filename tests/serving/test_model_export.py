"""An export loads by others' libraries alone, and decodes the tokens that evaluation decoded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from charter.cli.export import model as export_model
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.storage import file_sha256, read_json, write_text
from charter.serving.model_export import ModelExport, new_folder
from charter.serving.prompts import tokens_of
from charter.serving.served import Source
from charter.training.chat import answer_messages
from charter.training.models import load_system
from served_models import Registry

pytest_plugins = ["mlflow_store", "served_models"]
pytestmark = pytest.mark.models

QUESTIONS = ["May I take gifts of 25 euros?", "Who may stop work that isn't safe, and how?", "Why? " * 30]

Decoded = list[list[int]]


@pytest.fixture(scope="module")
def float32(registry: Registry) -> Params:
    """Those of the registry, in the type that others decode in: bfloat16 may round to another token."""
    compute = registry.params.compute.model_copy(update={"dtype": "float32"})
    return registry.params.model_copy(update={"compute": compute})


@pytest.fixture(scope="module")
def evaluated(registry: Registry, float32: Params) -> Decoded:
    """The prompts of evaluation with its greedy tokens behind them, by version 1."""
    compute, limit = float32.compute, float32.evaluate.max_new_tokens
    model, tokenizer = load_system(registry.paths.seed, registry.adapter(1), compute)
    prompts = [tokens_of(answer_messages(question), tokenizer) for question in QUESTIONS]
    found = [
        model.generate(input_ids=torch.tensor([prompt]), max_new_tokens=limit, do_sample=False)[0].tolist()
        for prompt in prompts
    ]
    bare, _ = load_system(registry.paths.seed, None, compute)
    first = torch.tensor([prompts[0]])
    assert bare.generate(input_ids=first, max_new_tokens=limit, do_sample=False)[0].tolist() != found[0]
    return found


@pytest.fixture(scope="module")
def export(registry: Registry, float32: Params) -> ModelExport:
    return ModelExport(Source(float32, registry.paths, "dpo", "champion"))


def decode(model: Any, tokenizer: Any, **options: Any) -> Decoded:
    """Ask the bare questions, as the model's own settings decode."""
    found = []
    for question in QUESTIONS:
        chat = [{"role": "user", "content": question}]
        prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt")
        found.append(model.generate(**prompt, **options)[0].tolist())
    return found


def test_an_adapter_over_its_seed(
    registry: Registry, export: ModelExport, evaluated: Decoded, tmp_path: Path
) -> None:
    export.write_adapter(tmp_path)
    seed = AutoModelForCausalLM.from_pretrained(registry.paths.seed)
    model = PeftModel.from_pretrained(seed, tmp_path)
    model.generation_config = GenerationConfig.from_pretrained(tmp_path)
    assert decode(model, AutoTokenizer.from_pretrained(tmp_path)) == evaluated
    registered = registry.adapter(1)
    assert read_json(registered / "adapter_config.json")["base_model_name_or_path"].startswith("/")
    changed = {"base_model_name_or_path": "tiny", "revision": None}
    assert read_json(tmp_path / "adapter_config.json") == (
        read_json(registered / "adapter_config.json") | changed
    )
    for name in ("adapter_model.safetensors", "tokenizer.json"):
        assert file_sha256(tmp_path / name) == file_sha256(registered / name)
    assert_no_paths_of_this_machine(tmp_path)


def test_a_base_of_the_hub_is_named_with_its_revision(export: ModelExport, tmp_path: Path) -> None:
    of_hub = ModelExport(export.source)
    of_hub.base = export.base.model_copy(update={"artifact": None, "hub": "owner/name@abc"})
    of_hub.write_adapter(tmp_path)
    config = read_json(tmp_path / "adapter_config.json")
    assert (config["base_model_name_or_path"], config["revision"]) == ("owner/name", "abc")
    assert 'from_pretrained("owner/name", revision="abc")' in (tmp_path / "README.md").read_text()


def test_a_merged_model(export: ModelExport, evaluated: Decoded, tmp_path: Path) -> None:
    export.write_merged(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert decode(model, AutoTokenizer.from_pretrained(tmp_path)) == evaluated
    assert not list(tmp_path.glob("adapter*"))
    assert_no_paths_of_this_machine(tmp_path)


@pytest.mark.parametrize("weights", ["f32", "f16"])
def test_a_gguf_file_read_by_transformers(
    export: ModelExport, evaluated: Decoded, tmp_path: Path, weights: Any
) -> None:
    export.write_gguf(tmp_path, weights)
    [file] = tmp_path.glob("*.gguf")
    model = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=file.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, gguf_file=file.name)
    limit = export.source.params.evaluate.max_new_tokens
    found = decode(
        model, tokenizer, max_new_tokens=limit, do_sample=False, eos_token_id=tokenizer.eos_token_id
    )
    assert found == evaluated


def test_a_gguf_file_read_by_openvino(export: ModelExport, evaluated: Decoded, tmp_path: Path) -> None:
    import openvino_genai
    from openvino import Tensor

    export.write_gguf(tmp_path, "f16")
    [file] = tmp_path.glob("*.gguf")
    pipeline = openvino_genai.LLMPipeline(str(file), "CPU", INFERENCE_PRECISION_HINT="f32")
    ours, theirs = AutoTokenizer.from_pretrained(export.source.paths.seed), pipeline.get_tokenizer()
    config = openvino_genai.GenerationConfig()
    config.max_new_tokens = export.source.params.evaluate.max_new_tokens
    for question, expected in zip(QUESTIONS, evaluated, strict=True):
        worded = ours.apply_chat_template(
            answer_messages(question), add_generation_prompt=True, tokenize=False
        )
        chat = [{"role": "user", "content": question}]
        assert theirs.apply_chat_template(chat, add_generation_prompt=True) == worded
        # By our tokens: it doesn't know how GPT-2 cuts "isn't".
        prompt = ours(worded, return_tensors="np", add_special_tokens=False)
        inputs = openvino_genai.TokenizedInputs(Tensor(prompt["input_ids"]), Tensor(prompt["attention_mask"]))
        generated = pipeline.generate(inputs, config).tokens[0]
        assert [*prompt["input_ids"][0].tolist(), *generated] == expected


def test_ollama_is_told_the_wording_and_to_decode_greedily(export: ModelExport, tmp_path: Path) -> None:
    export.write_gguf(tmp_path, "q8_0")
    text = (tmp_path / "Modelfile").read_text()
    tokenizer = AutoTokenizer.from_pretrained(export.source.paths.seed)
    prompt = tokenizer.apply_chat_template(
        answer_messages("{{ .Prompt }}"), add_generation_prompt=True, tokenize=False
    )
    assert text.startswith(f'FROM ./charter-bcg-q8_0.gguf\nTEMPLATE """{prompt}"""\n')
    assert "PARAMETER temperature 0\nPARAMETER repeat_penalty 1\nPARAMETER num_predict 10\n" in text
    assert f'PARAMETER stop "{tokenizer.eos_token}"\n' in text


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (ModelExport.write_adapter, "PeftModel.from_pretrained"),
        (ModelExport.write_merged, 'AutoModelForCausalLM.from_pretrained("THIS FOLDER")'),
        (lambda export, folder: export.write_gguf(folder, "q8_0"), "-m charter-bcg-q8_0.gguf"),
    ],
)
def test_its_card_is_the_registered_one_with_how_to_load_this(
    export: ModelExport, tmp_path: Path, write: Callable[[ModelExport, Path], None], says: str
) -> None:
    write(export, tmp_path)
    card = (tmp_path / "README.md").read_text()
    assert says in card
    assert "By MLflow." not in card
    assert "## Lineage\n\nHashes.\n" in card
    assert export.version.seed_sha256 in card
    assert export.version.adapter_sha256 in card
    assert "nf4" not in card


def test_weights_that_were_quantised_are_merged_whole_and_the_card_says_so(
    registry: Registry, float32: Params, evaluated: Decoded, tmp_path: Path
) -> None:
    compute = float32.compute.model_copy(update={"quantization": "nf4"})
    params = float32.model_copy(update={"compute": compute})
    source = Source(params, registry.paths, "dpo", "champion")
    ModelExport(source).write_merged(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert decode(model, AutoTokenizer.from_pretrained(tmp_path)) == evaluated
    assert "held in 4 bits (nf4) when this was trained" in (tmp_path / "README.md").read_text()


def test_the_command_writes_a_new_folder_that_others_may_read(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(registry.paths.root)
    registry.point("exported", 2)
    folder = tmp_path / "deep/er"
    export_model("bcg@exported", folder)
    assert capsys.readouterr().out.startswith(f"wrote charter-bcg version 2 to {folder};")
    assert file_sha256(folder / "adapter_model.safetensors") == file_sha256(
        registry.adapter(2) / "adapter_model.safetensors"
    )
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
    assert [path.name for path in folder.parent.iterdir()] == ["er"]
    with pytest.raises(CharterError, match="exists and isn't an empty folder"):
        export_model("bcg@exported", folder, merged=True)


def test_a_folder_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    with pytest.raises(CharterError, match="no such file"):
        half_written(target)
    assert [path.name for path in tmp_path.rglob("*")] == ["out"]
    with new_folder(target) as made:
        write_text(made / "whole", "whole")
    assert [path.name for path in target.iterdir()] == ["whole"]
    with pytest.raises(CharterError, match="name a new one"), new_folder(target / "whole"):
        pytest.fail("it is a file")


def half_written(target: Path) -> None:
    with new_folder(target) as made:
        write_text(made / "half", "half")
        read_json(made / "other")


def assert_no_paths_of_this_machine(folder: Path) -> None:
    """No file but the weights has the name of a folder of this machine."""
    for path in folder.iterdir():
        if path.suffix not in (".safetensors", ".gguf"):
            text = path.read_text(encoding="utf-8")
            assert str(folder.anchor + folder.parts[1] + "/") not in text, path.name
