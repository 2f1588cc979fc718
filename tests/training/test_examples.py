from pathlib import Path

import pytest
from trl import SFTConfig, SFTTrainer

from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.records import InstructExample, PreferencePair
from charter.training.chat import answer_messages
from charter.training.examples import instruct_dataset, preference_dataset
from charter.training.loop import trainer_arguments
from charter.training.models import load_seed, load_tokenizer

pytestmark = pytest.mark.models


def test_only_the_answer_and_its_end_carry_loss(
    tiny_seed: Path, quick: Params, answers: list[InstructExample], tmp_path: Path
) -> None:
    tokenizer = load_tokenizer(tiny_seed)
    trainer = SFTTrainer(
        load_seed(tiny_seed, quick.compute),
        args=trainer_arguments(SFTConfig, quick.sft, quick, tmp_path),
        train_dataset=instruct_dataset(answers, tokenizer, 512),
        processing_class=tokenizer,
    )
    batch = trainer.data_collator([trainer.train_dataset[row] for row in range(len(answers))])
    for row, tokens, labels in zip(answers, batch["input_ids"], batch["labels"], strict=True):
        prompt = tokenizer.apply_chat_template(
            answer_messages(row.question), add_generation_prompt=True, tokenize=False
        )
        learnt = labels != -100
        assert tokenizer.decode(tokens[learnt]) == f"{row.answer}{tokenizer.eos_token}\n"
        assert tokenizer.decode(tokens[: learnt.nonzero()[0]]) == prompt
        assert tokenizer.eos_token_id in labels
        assert tokenizer.pad_token_id not in labels


def test_a_long_answer_is_refused_by_row_and_parameter(
    tiny_seed: Path, answers: list[InstructExample]
) -> None:
    tokenizer = load_tokenizer(tiny_seed)
    longest = answers[-1]
    whole = [*answer_messages(longest.question), {"role": "assistant", "content": longest.answer}]
    length = len(tokenizer.apply_chat_template(whole)["input_ids"])
    assert len(instruct_dataset(answers, tokenizer, length)) == len(answers)
    with pytest.raises(CharterError, match=rf"row {longest.id}, .* has {length} tokens.*sft\.max_length"):
        instruct_dataset(answers, tokenizer, length - 1)


def test_a_long_rejected_response_is_refused(tiny_seed: Path, pairs: list[PreferencePair]) -> None:
    long = pairs[2].model_copy(update={"rejected": "Yes. " * 600})
    with pytest.raises(CharterError, match=rf"row {long.id}, .* has \d+ tokens.*dpo\.max_length"):
        preference_dataset([*pairs, long], load_tokenizer(tiny_seed), 512)
