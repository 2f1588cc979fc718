# ruff: noqa: E501  the templates as published
"""Seeds with the chat templates and special tokens that are published: they are trained to end an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
from trl import SFTConfig, SFTTrainer

from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import InstructExample, PreferencePair
from charter.training.examples import instruct_dataset
from charter.training.fine_tuning import train_on_answers
from charter.training.loop import trainer_arguments
from charter.training.models import ADDED_PAD, load_seed, load_system, load_tokenizer
from charter.training.preference import train_on_preferences

pytestmark = pytest.mark.models

CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>'"
    " + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
QWEN_2_5 = (  # without its branches for tools
    "{%- if messages[0]['role'] == 'system' %}\n"
    "    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}\n"
    "{%- else %}\n"
    "    {{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant."
    "<|im_end|>\\n' }}\n"
    "{%- endif %}\n"
    "{%- for message in messages %}\n"
    '    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or '
    '(message.role == "assistant" and not message.tool_calls) %}\n'
    "        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n"
    "    {%- endif %}\n"
    "{%- endfor %}\n"
    "{%- if add_generation_prompt %}\n"
    "    {{- '<|im_start|>assistant\\n' }}\n"
    "{%- endif %}\n"
)
LLAMA_3 = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + "
    "message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 "
    "%}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
GEMMA_2 = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}"
    "{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}"
)
MISTRAL_0_2 = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}"
    "{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
)


@dataclass(frozen=True)
class Family:
    """A published tokenizer's special tokens and template, and what Charter is to make of them."""

    template: str | None
    bos: str | None
    eos: str
    pad: str | None
    others: tuple[str, ...]
    end: str
    pads_with: str
    puts_bos: bool


FAMILIES = {
    "chatml": Family(CHATML, None, "<|im_end|>", "<|endoftext|>", (), "<|im_end|>", "<|endoftext|>", False),
    "qwen2.5": Family(
        QWEN_2_5, None, "<|im_end|>", "<|endoftext|>", (), "<|im_end|>", "<|endoftext|>", False
    ),
    "llama3": Family(
        LLAMA_3,
        "<|begin_of_text|>",
        "<|end_of_text|>",
        None,
        ("<|reserved_special_token_0|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        "<|eot_id|>",
        "<|reserved_special_token_0|>",
        True,
    ),
    "llama3.1": Family(
        LLAMA_3,
        "<|begin_of_text|>",
        "<|eot_id|>",
        None,
        (
            "<|reserved_special_token_0|>",
            "<|finetune_right_pad_id|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
        ),
        "<|eot_id|>",
        "<|finetune_right_pad_id|>",
        True,
    ),
    "gemma2": Family(
        GEMMA_2,
        "<bos>",
        "<eos>",
        "<pad>",
        ("<start_of_turn>", "<end_of_turn>"),
        "<end_of_turn>",
        "<pad>",
        True,
    ),
    "mistral0.2": Family(MISTRAL_0_2, "<s>", "</s>", None, ("<unk>",), "</s>", "<unk>", True),
    "nothing to spare": Family(CHATML, None, "<|im_end|>", None, (), "<|im_end|>", ADDED_PAD, False),
}

Maker = Callable[[Family], Path]


@pytest.fixture
def make_seed(tiny_seed: Path, tmp_path: Path) -> Maker:
    """Makes a tiny seed with a family's template and tokens; its tokenizer puts the bos before all texts."""

    def make(family: Family) -> Path:
        tokenizer = AutoTokenizer.from_pretrained(tiny_seed)
        named = {"bos_token": family.bos, "eos_token": family.eos, "pad_token": family.pad}
        tokenizer.add_special_tokens({name: token for name, token in named.items() if token})
        tokenizer.add_special_tokens({"additional_special_tokens": list(family.others)})
        tokenizer.unk_token = "<unk>" if "<unk>" in family.others else None
        tokenizer.bos_token, tokenizer.pad_token = family.bos, family.pad
        tokenizer.chat_template = family.template
        if family.bos:
            tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
                single=f"{family.bos} $A", special_tokens=[(family.bos, tokenizer.bos_token_id)]
            )
        folder = tmp_path / "family"
        tokenizer.save_pretrained(folder)
        config = LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            tie_word_embeddings=True,
        )
        LlamaForCausalLM(config).save_pretrained(folder)
        return folder

    return make


@pytest.mark.parametrize("name", FAMILIES)
def test_an_answer_is_learnt_to_its_end_and_begins_with_one_bos(
    name: str, make_seed: Maker, quick: Params, answers: list[InstructExample], tmp_path: Path
) -> None:
    family = FAMILIES[name]
    seed = make_seed(family)
    tokenizer = load_tokenizer(seed)
    assert (tokenizer.eos_token, tokenizer.pad_token) == (family.end, family.pads_with)
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    trainer = SFTTrainer(
        load_seed(seed, quick.compute),
        args=trainer_arguments(SFTConfig, quick.sft, quick, tmp_path),
        train_dataset=instruct_dataset(answers, tokenizer, 512),
        processing_class=tokenizer,
    )
    batch = trainer.data_collator([trainer.train_dataset[row] for row in range(len(answers))])
    for row, tokens, labels in zip(answers, batch["input_ids"].tolist(), batch["labels"], strict=True):
        if family.puts_bos:
            assert tokens[0] == tokenizer.bos_token_id
            assert tokens.count(tokenizer.bos_token_id) == 1
        learnt = labels[labels != -100].tolist()
        assert tokenizer.decode(learnt).strip() == f"{row.answer}{family.end}"
        assert learnt.count(tokenizer.eos_token_id) == 1
        assert tokenizer.pad_token_id not in learnt


@pytest.mark.parametrize("name", ["llama3", "gemma2", "nothing to spare"])
def test_such_a_seed_is_trained_saved_and_loaded_again(
    name: str,
    make_seed: Maker,
    quick: Params,
    answers: list[InstructExample],
    pairs: list[PreferencePair],
    make_project: Callable[[str], CorpusPaths],
) -> None:
    paths = make_project("project")
    paths.seed.unlink()
    paths.seed.symlink_to(make_seed(FAMILIES[name]))
    once = {"epochs": 1.0}
    params = quick.model_copy(
        update={"sft": quick.sft.model_copy(update=once), "dpo": quick.dpo.model_copy(update=once)}
    )
    train_on_answers(answers, [], params, paths)
    train_on_preferences(pairs, [], params, paths)
    model, tokenizer = load_system(paths.seed, paths.adapter("dpo"), params.compute)
    assert AutoTokenizer.from_pretrained(paths.adapter("dpo")).pad_token_id == tokenizer.pad_token_id
    assert tokenizer.eos_token_id in model.generation_config.eos_token_id
    assert model.get_input_embeddings().num_embeddings == len(tokenizer)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        (None, "has no chat template; take an instruction-tuned seed"),
        ("{{ raise_exception('Only tools may speak') }}", "refuses a question and an answer: Only tools may"),
        ("{% for message in messages %}{{ message['content'] }}\n{% endfor %}", "never learn to stop"),
    ],
)
def test_a_template_that_is_of_no_use_is_refused(make_seed: Maker, template: str | None, why: str) -> None:
    folder = make_seed(Family(template, None, "<|im_end|>", None, (), "", "", False))
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    if template:
        (folder / "chat_template.jinja").write_text(template)
    with pytest.raises(CharterError, match=why):
        load_tokenizer(folder)
