from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoTokenizer

from charter.project.devices import resolve_device, resolve_dtype
from charter.project.errors import CharterError
from charter.project.sections import Compute
from charter.training.models import load_seed, load_system, load_tokenizer

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


def test_the_merge_is_in_float32_whatever_is_computed_in(tiny_seed: Path, adapter: Path) -> None:
    exact, _ = load_system(tiny_seed, adapter, FLOAT32)
    rounded, _ = load_system(tiny_seed, adapter, FLOAT32.model_copy(update={"dtype": "bfloat16"}))
    for weight, expected in zip(rounded.parameters(), exact.parameters(), strict=True):
        assert torch.equal(weight, expected.to(torch.bfloat16))


def test_a_system_pads_left_and_is_in_evaluation_mode(tiny_seed: Path) -> None:
    model, tokenizer = load_system(tiny_seed, None, FLOAT32)
    assert not model.training
    assert tokenizer.padding_side == "left"
    assert tokenizer.pad_token_id != tokenizer.eos_token_id


@pytest.fixture
def change_tokenizer(tiny_seed: Path, tmp_path: Path) -> Callable[..., Path]:
    """Saves the seed's tokenizer with other special tokens."""

    def change(**tokens: str | None) -> Path:
        tokenizer = AutoTokenizer.from_pretrained(tiny_seed)
        for name, token in tokens.items():
            setattr(tokenizer, name, token)
        tokenizer.save_pretrained(tmp_path)
        return tmp_path

    return change


def test_padding_with_the_end_token_is_mended(change_tokenizer: Callable[..., Path]) -> None:
    tokenizer = load_tokenizer(change_tokenizer(pad_token="<|im_end|>"))
    assert tokenizer.pad_token == tokenizer.unk_token != tokenizer.eos_token


def test_a_tokenizer_without_another_pad_token_is_refused(change_tokenizer: Callable[..., Path]) -> None:
    with pytest.raises(CharterError, match="pad token other than its eos token"):
        load_tokenizer(change_tokenizer(pad_token="<|im_end|>", unk_token="<|im_end|>"))


def test_a_tokenizer_without_chat_template_is_refused(change_tokenizer: Callable[..., Path]) -> None:
    folder = change_tokenizer()
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(CharterError, match="no chat template"):
        load_tokenizer(folder)


def test_compute_is_resolved() -> None:
    assert resolve_device(FLOAT32).type == "cpu"
    assert resolve_dtype(FLOAT32) is torch.float32
    assert resolve_dtype(FLOAT32.model_copy(update={"dtype": "bfloat16"})) is torch.bfloat16
    automatic = Compute(device="auto", dtype="auto", quantization="none", attention="sdpa", processes=1)
    assert resolve_device(automatic).type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_missing_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("charter.training.models.torch.cuda.is_available", lambda: False)
    with pytest.raises(CharterError, match=r"compute\.device is cuda"):
        resolve_device(FLOAT32.model_copy(update={"device": "cuda"}))


def test_missing_bitsandbytes_is_named(tiny_seed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("charter.training.models.is_bitsandbytes_available", lambda: False)
    with pytest.raises(CharterError, match=r"compute\.quantization is nf4: install bitsandbytes"):
        load_seed(tiny_seed, FLOAT32.model_copy(update={"quantization": "nf4"}))


def test_a_missing_adapter_is_named(tiny_seed: Path, tmp_path: Path) -> None:
    with pytest.raises(CharterError, match=f"{tmp_path}: no adapter"):
        load_system(tiny_seed, tmp_path, FLOAT32)
