"""Local systems: log-probs equal to those of a row alone, and an identity of how weights are held."""

from pathlib import Path

import pytest
import torch

from charter.evaluation.local_system import LocalSystem
from charter.project.params import Params
from charter.stages import evaluate
from charter.training.chat import answer_messages
from charter.training.models import load_system

pytestmark = pytest.mark.models


def test_answers_over_quantised_weights_are_others_and_the_evaluation_says_so(
    tiny_seed: Path, params: Params, tmp_path: Path
) -> None:
    nf4 = params.model_copy(
        update={"compute": params.compute.model_copy(update={"quantization": "nf4", "device": "cpu"})}
    )
    identities = set()
    for compute in (params.compute, nf4.compute):
        with LocalSystem(tiny_seed, None, compute, 1).open(tmp_path / "journal.sqlite") as engine:
            identities.add(engine.identity)
    assert len(identities) == 2
    assert evaluate._weights(params) == {}
    assert evaluate._weights(nf4) == {"weights": "nf4, adapters unmerged, as in training"}


def test_batched_scores_equal_a_plain_forward_pass(tiny_seed: Path, params: Params) -> None:
    compute = params.compute.model_copy(update={"dtype": "float32"})
    model, tokenizer = load_system(tiny_seed, None, compute)
    prompts = [answer_messages("why? " * length) for length in (1, 40, 7)]
    responses = ["Because.", "No, it is forbidden to everyone.", "Yes, ask the manager first, please."]
    scores = LocalSystem(tiny_seed, None, compute, batch_size=2).mean_log_probs(prompts, responses)
    for prompt, response, score in zip(prompts, responses, scores, strict=True):
        text = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=False)
        start = tokenizer(text, add_special_tokens=False)["input_ids"]
        rest = [*tokenizer(response, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*start, *rest]])).logits[0]
        log_probs = logits.log_softmax(-1)
        plain = [log_probs[len(start) - 1 + place, token].item() for place, token in enumerate(rest)]
        assert score == pytest.approx(sum(plain) / len(plain), abs=1e-4)
