"""The command for vLLM: the adapter over the seed, greedy, with the wording that was evaluated."""

import json
import os
import re
import shlex
from pathlib import Path

import pytest

from charter.cli.serving import serve
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.storage import directory_sha256, write_json
from charter.serving.prompts import wording_template
from charter.serving.running import Address
from charter.serving.vllm import vllm_command, vllm_environment
from charter.training.chat import answer_messages
from charter.training.models import load_tokenizer
from served_models import Registry

pytest_plugins = ["mlflow_store", "served_models"]
pytestmark = pytest.mark.models


def test_the_command_serves_the_adapter_over_the_seed(
    tiny_seed: Path, params: Params, tmp_path: Path
) -> None:
    adapter = tmp_path / "3"
    write_json(adapter / "adapter_config.json", {"r": 24})
    params = params.model_copy(
        update={"compute": params.compute.model_copy(update={"dtype": "bfloat16", "quantization": "nf4"})}
    )
    command = vllm_command(tiny_seed, adapter, "charter-udhr", params, Address("0.0.0.0", 8001))
    assert command[:3] == ["vllm", "serve", str(tiny_seed)]
    joined = " ".join(command)
    assert f"--enable-lora --lora-modules charter-udhr={adapter} --max-lora-rank 32" in joined
    assert "--host 0.0.0.0 --port 8001" in joined
    assert "--dtype bfloat16 --quantization bitsandbytes" in joined
    assert json.loads(command[command.index("--override-generation-config") + 1]) == {"temperature": 0.0}
    template = Path(command[command.index("--chat-template") + 1]).read_text()
    assert template == wording_template(load_tokenizer(tiny_seed).chat_template)


def test_charter_becomes_vllm_where_it_is_here(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    became: list[str] = []

    def become(program: str, command: list[str], environment: dict[str, str]) -> None:
        became.extend([program, shlex.join(command), environment["VLLM_API_KEY"]])
        raise SystemExit(0)

    monkeypatch.chdir(registry.paths.root)
    monkeypatch.setenv("CHARTER_SERVE_KEYS", "secret")
    monkeypatch.setattr("charter.serving.vllm.is_here", lambda _: True)
    monkeypatch.setattr(os, "execvpe", become)
    with pytest.raises(SystemExit):
        serve("bcg", host="0.0.0.0", port=8001)
    printed = capsys.readouterr().out
    assert became == ["vllm", printed.strip(), "secret"]
    assert "secret" not in printed
    [adapter] = re.findall(r"--lora-modules charter-bcg=(\S+)", printed)
    assert directory_sha256(Path(adapter)) == directory_sha256(registry.adapter(1))


def test_its_chat_template_words_questions_as_evaluation_does(tiny_seed: Path) -> None:
    tokenizer = load_tokenizer(tiny_seed)
    turns = [
        {"role": "user", "content": 'May "I"?'},
        {"role": "assistant", "content": "No."},
        {"role": "user", "content": "Why\nnot?"},
    ]
    expected = [*answer_messages(turns[0]["content"]), turns[1], *answer_messages(turns[2]["content"])]
    options = {"add_generation_prompt": True, "tokenize": False}
    served = tokenizer.apply_chat_template(
        turns, chat_template=wording_template(tokenizer.chat_template), **options
    )
    assert served == tokenizer.apply_chat_template(expected, **options)


def test_its_key_is_in_no_command_line() -> None:
    assert vllm_environment([]) == {}
    assert vllm_environment(["secret"]) == {"VLLM_API_KEY": "secret"}
    with pytest.raises(CharterError, match="several keys"):
        vllm_environment(["one", "two"])
