from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import Linear

from charter.project.devices import resolve_device, resolve_dtype
from charter.project.errors import CharterError
from charter.project.sections import Compute
from charter.training import models
from charter.training.models import load_adapter, load_seed, load_system, merged

pytestmark = pytest.mark.models

FLOAT32 = Compute(device="cpu", dtype="float32", quantization="none", attention="sdpa", processes=1)


@pytest.fixture
def adapter(tiny_seed: Path, tmp_path: Path) -> Path:
    """An adapter far from the identity."""
    torch.manual_seed(1)
    model = get_peft_model(load_seed(tiny_seed, FLOAT32), LoraConfig(r=8, target_modules="all-linear"))
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        result: torch.Tensor = model(torch.arange(100, 140)[None]).logits.float()
    return result


def test_merging_changes_no_answer(tiny_seed: Path, adapter: Path) -> None:
    merged, _ = load_system(tiny_seed, adapter, FLOAT32)
    unmerged = PeftModel.from_pretrained(load_seed(tiny_seed, FLOAT32), adapter).eval()
    seed, _ = load_system(tiny_seed, None, FLOAT32)
    assert not any("lora" in name for name, _ in merged.named_parameters())
    assert torch.allclose(logits(merged), logits(unmerged), atol=1e-5)
    assert (logits(merged) - logits(seed)).abs().max() > 0.05


def test_a_merge_in_bfloat16_is_rounded_once_a_weight(tiny_seed: Path, adapter: Path) -> None:
    bfloat16 = FLOAT32.model_copy(update={"dtype": "bfloat16"})
    merged, _ = load_system(tiny_seed, adapter, bfloat16)
    exact = PeftModel.from_pretrained(load_seed(tiny_seed, bfloat16).float(), adapter).merge_and_unload()
    for weight, expected in zip(merged.parameters(), exact.parameters(), strict=True):
        assert torch.equal(weight, expected.to(torch.bfloat16))


def test_a_system_is_never_whole_in_float32_where_it_computes_in_bfloat16(
    tiny_seed: Path, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide: list[int] = []
    merge = Linear.merge

    def counted(layer: Linear) -> None:
        wide.append(sum(module.weight.dtype is torch.float32 for module in base))
        merge(layer)

    bfloat16 = FLOAT32.model_copy(update={"dtype": "bfloat16"})
    monkeypatch.setattr(Linear, "merge", counted)
    model = load_adapter(load_seed(tiny_seed, bfloat16), adapter)
    base = [layer.base_layer for layer in model.modules() if isinstance(layer, Linear)]
    merged(model)
    assert wide == [1] * len(base)


@pytest.fixture
def nf4() -> Compute:
    """Quantised compute, where bitsandbytes is installed (it quantises on CPUs, too)."""
    pytest.importorskip("bitsandbytes")
    return FLOAT32.model_copy(update={"quantization": "nf4"})


def test_over_nf4_a_system_is_the_one_that_was_trained(tiny_seed: Path, adapter: Path, nf4: Compute) -> None:
    trained = PeftModel.from_pretrained(load_seed(tiny_seed, nf4), adapter).eval()
    system, _ = load_system(tiny_seed, adapter, nf4)
    assert torch.equal(logits(system), logits(trained))
    whole, _ = load_system(tiny_seed, adapter, FLOAT32)
    bare, _ = load_system(tiny_seed, None, nf4)
    assert not torch.allclose(logits(system), logits(whole), atol=1e-3)
    assert not torch.allclose(logits(system), logits(bare), atol=1e-3)


def test_each_process_quantises_onto_its_own_gpu(
    tiny_seed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: dict[str, Any] = {}

    def stop(_: Path, **options: Any) -> None:
        asked.update(options)
        raise CharterError("far enough")

    monkeypatch.setenv("LOCAL_RANK", "3")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (device.index * 2**30, 80 * 2**30))
    monkeypatch.setattr("torch.cuda.memory_reserved", lambda _: 0)
    monkeypatch.setattr(models, "is_bitsandbytes_available", lambda: True)
    monkeypatch.setattr(models, "BitsAndBytesConfig", dict)
    monkeypatch.setattr(models.AutoModelForCausalLM, "from_pretrained", stop)
    on_gpu = FLOAT32.model_copy(update={"device": "auto", "quantization": "nf4"})
    with pytest.raises(CharterError, match="far enough"):
        load_seed(tiny_seed, on_gpu)
    assert asked["device_map"] == {"": "cuda:3"}
    assert "other programs hold 77.0 of the 80.0 GiB of GPU 3" in capsys.readouterr().err
    monkeypatch.setenv("LOCAL_RANK", "4")
    with pytest.raises(CharterError, match=r"process 5 here has no GPU: lower compute\.processes to 4"):
        load_seed(tiny_seed, on_gpu)


def test_a_system_pads_left_and_is_in_evaluation_mode(tiny_seed: Path) -> None:
    model, tokenizer = load_system(tiny_seed, None, FLOAT32)
    assert not model.training
    assert tokenizer.padding_side == "left"
    assert tokenizer.pad_token_id != tokenizer.eos_token_id


def test_compute_is_resolved() -> None:
    assert resolve_device(FLOAT32).type == "cpu"
    assert resolve_dtype(FLOAT32) is torch.float32
    assert resolve_dtype(FLOAT32.model_copy(update={"dtype": "bfloat16"})) is torch.bfloat16
    automatic = Compute(device="auto", dtype="auto", quantization="none", attention="sdpa", processes=1)
    assert resolve_device(automatic).type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_missing_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(CharterError, match=r"compute\.device is cuda"):
        resolve_device(FLOAT32.model_copy(update={"device": "cuda"}))


def test_missing_bitsandbytes_is_named(tiny_seed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("charter.training.models.is_bitsandbytes_available", lambda: False)
    with pytest.raises(CharterError, match=r"compute\.quantization is nf4: install bitsandbytes"):
        load_seed(tiny_seed, FLOAT32.model_copy(update={"quantization": "nf4"}))


def test_a_missing_adapter_is_named(tiny_seed: Path, tmp_path: Path) -> None:
    with pytest.raises(CharterError, match=f"{tmp_path}: no adapter"):
        load_system(tiny_seed, tmp_path, FLOAT32)
