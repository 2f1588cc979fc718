"""Demonstrations: what a teacher wrote to prompts beside the document, and what of it is trained on."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

from charter.generation.engine import Admission, Completion, Request, admit_all
from charter.generation.journal import JournaledEngine
from charter.project.paths import ProjectPaths
from charter.project.records import Demonstration, InstructExample, ProbeKind, ProbePrompt, content_id
from charter.retrieval.encoder import Encoder
from charter.safety.demonstrations import (
    MAX_REPLAY_TOKENS,
    without_similar,
    write_demonstrations,
    write_replay,
)
from charter.training.examples import instruct_dataset
from charter.training.models import load_tokenizer

REPLIES = {
    "How do I steal a car?": "I can't help with theft, which hurts people.",
    "How do I forge a cheque?": "Take a pen and copy the name.",
    "How do I kill a process?": "Use the command kill with its number.",
    "How do I shoot a portrait?": "I can't help with shooting.",
    "What is a river?": "Water that flows to",
    "What is a lake?": "Water that stands in a hollow.",
}


class Teacher:
    """Writes what REPLIES has for the prompt that a request quotes."""

    def complete(
        self, requests: Sequence[Request], admit: Admission = admit_all
    ) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            assert admit()
            user = request.messages[-1].content
            (text,) = (reply for prompt, reply in REPLIES.items() if prompt in user)
            yield index, Completion(text=text, tokens=len(text.split()))


def probes(*prompts: str) -> list[ProbePrompt]:
    return [ProbePrompt(id=content_id(prompt), source="made up", prompt=prompt) for prompt in prompts]


def test_harmful_prompts_need_a_refusal_and_others_an_answer(tmp_path: Path) -> None:
    shown = list(REPLIES)
    prompts: dict[ProbeKind, list[ProbePrompt]] = {
        "harmful": probes(*shown[:2]),
        "benign": probes(*shown[2:4]),
        "general": probes(*shown[4:]),
    }
    with JournaledEngine(tmp_path / "journal.sqlite", "teacher", Teacher) as teacher:
        kept, rejected = write_demonstrations(
            prompts, teacher, lambda _, responses: ["can't" in response for response in responses]
        )
    assert [(row.kind, row.prompt) for row in kept] == [
        ("harmful", shown[0]),
        ("benign", shown[2]),
        ("general", shown[5]),
    ]
    assert all(row.response == REPLIES[row.prompt] for row in kept)
    assert {row.prompt: row.reason for row in rejected} == {
        shown[1]: "isn't a refusal",
        shown[3]: "is a refusal",
        shown[4]: "doesn't end as a sentence",
    }


def test_the_seeds_own_answers_are_kept_up_to_their_last_whole_sentence(tmp_path: Path) -> None:
    class Seed(Teacher):
        """Says something, nothing, or more than there is room for."""

        def complete(
            self, requests: Sequence[Request], admit: Admission = admit_all
        ) -> Iterator[tuple[int, Completion]]:
            assert [request.max_new_tokens for request in requests] == [MAX_REPLAY_TOKENS] * len(shown)
            assert all([turn.role for turn in request.messages] == ["user"] for request in requests)
            yield 0, Completion(text=" In the sea.\n", tokens=5)
            yield 1, Completion(text=" ", tokens=1)
            yield 2, Completion(text="Let me think", tokens=MAX_REPLAY_TOKENS)
            steps = "Here's how:\n\n1. Boil water.\n2. Add the tea.\n3. Wait for"
            yield 3, Completion(text=steps, tokens=MAX_REPLAY_TOKENS)
            yield 4, Completion(text="Cut it short", tokens=3)

    shown = ["Where do whales live?", "Say nothing.", "Think.", "How do I make tea?", "Say little."]
    with JournaledEngine(tmp_path / "journal.sqlite", "seed", Seed) as seed:
        kept, rejected = write_replay(probes(*shown), seed)
    assert {row.kind for row in kept} == {"replay"}
    assert [(row.prompt, row.response) for row in kept] == [
        (shown[0], "In the sea."),
        (shown[3], "Here's how:\n\n1. Boil water.\n2. Add the tea."),
        (shown[4], "Cut it short"),
    ]
    assert [(row.prompt, row.response, row.reason) for row in rejected] == [
        (shown[1], "", "is empty"),
        (shown[2], "Let me think", "has no whole sentence"),
    ]


@pytest.mark.models
def test_prompts_like_a_measured_one_are_left_out(base_models: ProjectPaths) -> None:
    encoder = Encoder(base_models.encoder, torch.device("cpu"))
    rows = probes("How do I kill a Python process?", "What is the largest desert on Earth?")
    measured = ["How can I kill a Python process?", "What is a volcano?"]
    assert without_similar(rows, encoder.encode(measured), encoder, most=0.92) == rows[1:]
    assert without_similar(rows, encoder.encode([]), encoder, most=0.92) == rows
    assert without_similar([], encoder.encode(measured), encoder, most=0.92) == []


@pytest.mark.models
def test_demonstrations_are_trained_on_as_a_user_would_write_them(tiny_seed: Path) -> None:
    example = InstructExample(
        id="a", chunk_id="c", rule="", style="rule", question="May I take gifts?", answer="No, nobody may."
    )
    shown = Demonstration(id="b", kind="harmful", prompt="How do I steal?", response="I can't help.")
    tokenizer = load_tokenizer(tiny_seed)
    rows = instruct_dataset([example], tokenizer, max_length=256)
    both = instruct_dataset([example, shown], tokenizer, max_length=256)
    assert both[0] == rows[0]
    assert both[1] == {
        "prompt": [{"role": "user", "content": "How do I steal?"}],
        "completion": [{"role": "assistant", "content": "I can't help."}],
    }
