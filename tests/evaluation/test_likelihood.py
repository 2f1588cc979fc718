"""Log-probs of responses: equal to those of a row alone, computed the plain way."""

from pathlib import Path

import pytest
import torch

from charter.evaluation.likelihood import mean_log_probs
from charter.project.params import Params
from charter.training.chat import answer_messages
from charter.training.models import load_system


@pytest.mark.models
def test_batched_scores_equal_a_plain_forward_pass(tiny_seed: Path, params: Params) -> None:
    compute = params.compute.model_copy(update={"dtype": "float32"})
    model, tokenizer = load_system(tiny_seed, None, compute)
    prompts = [answer_messages("why? " * length) for length in (1, 40, 7)]
    responses = ["Because.", "No, it is forbidden to everyone.", "Yes, ask the manager first, please."]
    scores = mean_log_probs(model, tokenizer, prompts, responses, batch_size=2)
    for prompt, response, score in zip(prompts, responses, scores, strict=True):
        text = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=False)
        start = tokenizer(text, add_special_tokens=False)["input_ids"]
        rest = [*tokenizer(response, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*start, *rest]])).logits[0]
        log_probs = logits.log_softmax(-1)
        plain = [log_probs[len(start) - 1 + place, token].item() for place, token in enumerate(rest)]
        assert score == pytest.approx(sum(plain) / len(plain), abs=1e-4)
