"""Engines against real models: a completion is what the model's own greedy decoding gives."""

import json
import math
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from charter.generation.engine import Completion, Message, Request, ask, ask_choice
from charter.generation.openvino_engine import OpenVinoEngine
from charter.generation.transformers_engine import TransformersEngine, load_model
from charter.generation.verdict import choice_probability
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.storage import file_sha256
from charter.training.chat import answer_messages
from charter.training.models import load_system


def chat(question: str, **decoding: Any) -> Request:
    messages = tuple(Message.model_validate(message) for message in answer_messages(question))
    return Request.model_validate({"messages": messages, "max_new_tokens": 12, **decoding})


@pytest.fixture(scope="module")
def tiny_engine(tiny_seed: Path, params: Params) -> TransformersEngine:
    compute = params.compute.model_copy(update={"dtype": "float32"})
    return TransformersEngine(*load_system(tiny_seed, None, compute), batch_size=3)


def complete(engine: TransformersEngine | OpenVinoEngine, requests: Sequence[Request]) -> list[Completion]:
    found = dict(engine.complete(requests))
    return [found[index] for index in range(len(requests))]


@pytest.mark.models
def test_batches_give_what_single_requests_give(tiny_engine: TransformersEngine) -> None:
    requests = [chat("why? " * length) for length in (1, 9, 3, 30, 2)]
    together = complete(tiny_engine, requests)
    alone = [complete(tiny_engine, [request])[0] for request in requests]
    assert together == alone


@pytest.mark.models
def test_a_batch_ends_where_no_more_is_admitted(tiny_engine: TransformersEngine) -> None:
    requests = [chat("why? " * length) for length in (1, 2, 3, 4, 5, 6, 7, 8)]
    for allowed in (0, 2, 3, 5):
        admissions = iter([True] * allowed + [False])
        found = dict(tiny_engine.complete(requests, lambda left=admissions: next(left)))
        assert sorted(found) == list(range(allowed))
    lengths = [completion.prompt_tokens or 0 for completion in complete(tiny_engine, requests)]
    assert lengths == sorted(lengths)
    assert lengths[-1] - lengths[0] == 7 * (lengths[1] - lengths[0]) > 0


@pytest.mark.models
def test_alternatives_are_the_likeliest_first_tokens(tiny_engine: TransformersEngine) -> None:
    greedy = complete(tiny_engine, [chat("May I?", max_new_tokens=1)])[0]
    choice = complete(tiny_engine, [chat("May I?", max_new_tokens=1, choices=("Yes", "No"))])[0]
    scores = [score for _, score in choice.alternatives]
    assert choice.alternatives[0][0].strip() == greedy.text.strip()
    assert scores == sorted(scores, reverse=True)
    assert 0 < sum(map(math.exp, scores)) <= 1


@pytest.mark.models
def test_sampling_depends_on_the_seed_alone(tiny_engine: TransformersEngine) -> None:
    first, again, other = complete(
        tiny_engine, [chat("Why?", temperature=1.0, seed=seed) for seed in (1, 1, 2)]
    )
    assert first.text != other.text
    assert again == complete(tiny_engine, [chat("Why?", temperature=1.0, seed=1)] * 2)[1]


@pytest.mark.models
def test_a_model_of_the_teachers_folder_decodes_as_asked_and_not_as_it_came(
    tiny_seed: Path, tiny_engine: TransformersEngine, params: Params, tmp_path: Path
) -> None:
    """Penalties and a padding of its own, as many models bring them, change nothing; no bar litters a log."""
    shutil.copytree(tiny_seed, tmp_path / "model")
    config = {"repetition_penalty": 9.0, "do_sample": True, "temperature": 3.0, "pad_token_id": 7}
    (tmp_path / "model/generation_config.json").write_text(json.dumps(config))
    compute = params.compute.model_copy(update={"dtype": "float32"})
    engine = TransformersEngine(*load_model(tmp_path / "model", compute), batch_size=3)
    requests = [chat("why? " * length) for length in (1, 9, 3)]
    assert complete(engine, requests) == complete(tiny_engine, requests)


@pytest.mark.models
def test_openvino_teacher_answers_and_decides(
    base_models: ProjectPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARTER_CACHE", str(tmp_path))
    OpenVinoEngine(base_models.teacher, concurrency=8, cache_gigabytes=1)
    (gguf,) = base_models.teacher.glob("*.gguf")
    (converted,) = tmp_path.glob("openvino-*/*")
    assert converted.name == file_sha256(gguf)
    engine = OpenVinoEngine(base_models.teacher, concurrency=8, cache_gigabytes=1)
    assert list(tmp_path.glob("openvino-*/*")) == [converted]
    rule = "Rule: gifts above 50 euros must be refused. "
    answer, *choices = complete(
        engine,
        [
            ask(system="Be brief.", user=rule + "May I accept a gift of 80 euros?", max_new_tokens=30),
            ask_choice(
                (("system", "Be brief."), ("user", rule + "Must a gift of 80 euros be refused? Yes or No.")),
                ("Yes", "No"),
            ),
            ask_choice(
                (("system", "Be brief."), ("user", rule + "Must a gift of 20 euros be refused? Yes or No.")),
                ("Yes", "No"),
            ),
        ],
    )
    assert answer.text.startswith("No")
    assert 1 < answer.tokens <= 30
    for choice in choices:
        _, mass = choice_probability(choice, "Yes", "No")
        assert 0.9 < mass <= 1.0001
        assert choice.text == choice.alternatives[0][0]
    assert (answer.prompt_tokens or 0) > 20
    admissions = iter((True, True, False))
    more = [ask(system="Be brief.", user=rule + f"Why, {name}?", max_new_tokens=9) for name in "abcde"]
    assert sorted(dict(engine.complete(more, lambda: next(admissions)))) == [0, 1]


@pytest.mark.models
def test_openvino_reads_a_prefix_once_though_all_ask_at_once(base_models: ProjectPaths) -> None:
    engine = OpenVinoEngine(base_models.teacher, concurrency=8, cache_gigabytes=1)

    def seconds(passages: list[str]) -> float:
        questions = [
            f"{passage}\n\nIs rule {number} kept? Yes or No." for number, passage in enumerate(passages)
        ]
        start = time.perf_counter()
        found = complete(engine, [ask_choice((("user", question),), ("Yes", "No")) for question in questions])
        assert all(choice.alternatives for choice in found)
        return time.perf_counter() - start

    def passage(name: str) -> str:
        return f"The rules of {name}. " + "Nobody may enter the yard after dark, or feed the animals. " * 10

    seconds([passage("the warm-up")])
    apart = seconds([passage(f"house {number}") for number in range(8)])
    # An eighth of the tokens to read; half of the time would show it. Others may use the machine just then.
    clubs = ("the chess club", "the choir", "the fire brigade")
    assert any(seconds([passage(club)] * 8) < apart / 2 for club in clubs)


@pytest.mark.models
def test_openvino_wants_one_gguf_file(tmp_path: Path) -> None:
    with pytest.raises(CharterError, match=r"exactly one \.gguf file, found 0"):
        OpenVinoEngine(tmp_path, concurrency=1, cache_gigabytes=1)
