"""Local systems: log-probs equal to those of a row alone, and an identity of how weights are held."""

from pathlib import Path

import pytest
import torch

from charter.evaluation import local_system
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


def test_a_text_is_scored_as_in_one_pass_where_a_window_holds_it(tiny_seed: Path, params: Params) -> None:
    compute = params.compute.model_copy(update={"dtype": "float32"})
    model, tokenizer = load_system(tiny_seed, None, compute)
    passages = ["Rain fell all night.", " In the morning the river was high.", "\n\nNobody crossed it."]
    found = LocalSystem(tiny_seed, None, compute, 1).text_log_probs([passages], windows=1)
    parts = [tokenizer(passage, add_special_tokens=False)["input_ids"] for passage in passages]
    tokens = torch.tensor([token for part in parts for token in part])
    with torch.inference_mode():
        log_probs = model(input_ids=tokens[None]).logits[0, :-1].log_softmax(-1)
    plain = log_probs.gather(1, tokens[1:, None])[:, 0].tolist()
    sizes = [len(parts[0]) - 1, len(parts[1]), len(parts[2])]
    ends = [sum(sizes[: place + 1]) for place in range(3)]
    assert found[:, 1].tolist() == sizes
    sums = [sum(plain[end - size : end]) for end, size in zip(ends, sizes, strict=True)]
    assert found[:, 0].tolist() == pytest.approx(sums, abs=1e-3)


def test_a_window_begins_as_the_tokenizer_begins_texts(
    tiny_seed: Path, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = params.compute.model_copy(update={"dtype": "float32"})
    model, tokenizer = load_system(tiny_seed, None, compute)
    system, text = LocalSystem(tiny_seed, None, compute, 1), "Rain fell all night."
    plain = system.text_log_probs([[text]], windows=1)
    assert local_system._beginning(tokenizer) == []
    begin = tokenizer.eos_token_id
    monkeypatch.setattr(local_system, "_beginning", lambda _: [begin])
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        log_probs = model(input_ids=torch.tensor([[begin, *tokens]])).logits[0, 1:-1].log_softmax(-1)
    expected = log_probs.gather(1, torch.tensor(tokens[1:])[:, None]).sum().item()
    begun = system.text_log_probs([[text], []], windows=9)
    assert begun.tolist() == [[pytest.approx(expected, abs=1e-3), len(tokens) - 1]]
    assert begun[0, 0] != pytest.approx(plain[0, 0], abs=1e-3)


def test_each_token_of_a_long_text_is_scored_once_behind_an_eighth_of_a_window(
    tiny_seed: Path, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_system, "WINDOW", 32)
    compute = params.compute.model_copy(update={"dtype": "float32"})
    model, tokenizer = load_system(tiny_seed, None, compute)
    texts = [[f" word {number} of the {name} text" for number in range(12)] for name in ("first", "second")]
    system = LocalSystem(tiny_seed, None, compute, 1)
    found = system.text_log_probs(texts, windows=100)
    parts = [[tokenizer(part, add_special_tokens=False)["input_ids"] for part in text] for text in texts]
    sizes = [len(part) for text in parts for part in text]
    assert found[:, 1].tolist() == [size - (place in (0, 12)) for place, size in enumerate(sizes)]
    first = [token for part in parts[0] for token in part]
    plain = []
    for place in range(1, len(first)):
        # The first window that has a place begins at a multiple of 28, and the next takes over 4 words later.
        start = 28 * max(0, (place - 4) // 28)
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([first[start:place]])).logits[0, -1]
        plain.append(logits.log_softmax(-1)[first[place]].item())
    assert found[:12, 0].sum() == pytest.approx(sum(plain), abs=1e-2)
    few = system.text_log_probs(texts, windows=1)
    assert few[:, 1].sum() == 31
    assert few[:-1] == pytest.approx(found[: len(few) - 1])


@pytest.mark.parametrize("batch_size", [2, 3, 4])
def test_batched_scores_equal_a_plain_forward_pass(tiny_seed: Path, params: Params, batch_size: int) -> None:
    compute = params.compute.model_copy(update={"dtype": "float32"})
    model, tokenizer = load_system(tiny_seed, None, compute)
    # Two responses stand behind one prompt, in one batch; and one batch holds prompts of two lengths.
    prompts = [answer_messages("why? " * length) for length in (1, 40, 7, 40)]
    responses = [
        "Because.",
        "No, it is forbidden to everyone.",
        "Yes, ask the manager first, please.",
        "Yes.",
    ]
    scores = LocalSystem(tiny_seed, None, compute, batch_size=batch_size).mean_log_probs(prompts, responses)
    for prompt, response, score in zip(prompts, responses, scores, strict=True):
        text = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=False)
        start = tokenizer(text, add_special_tokens=False)["input_ids"]
        rest = [*tokenizer(response, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*start, *rest]])).logits[0]
        log_probs = logits.log_softmax(-1)
        plain = [log_probs[len(start) - 1 + place, token].item() for place, token in enumerate(rest)]
        assert score == pytest.approx(sum(plain) / len(plain), abs=1e-4)
