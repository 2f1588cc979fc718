"""The card of an exported model: all of the registered one, but how to use it."""

import pytest
from huggingface_hub import ModelCard

from charter.project.model_sections import ModelSource
from charter.project.params import Params
from charter.report.exported_card import Form, exported_card
from charter.report.model_card import model_card
from synthetic_project import make_evaluation


def card_of(form: Form, params: Params, *, hub: str | None = None, quantized: bool = False) -> str:
    return exported_card(
        model_card("charter-udhr", "dpo", make_evaluation(), params, {}),
        form,
        model="charter-udhr",
        number=3,
        base=ModelSource(hub=hub) if hub else ModelSource(artifact="smollm2"),
        seed_sha256="5" * 64,
        adapter_sha256="a" * 64,
        quantized=quantized,
        file="model.gguf",
    )


@pytest.mark.parametrize(
    ("form", "library"), [("adapter", "peft"), ("merged", "transformers"), ("gguf", "gguf")]
)
def test_it_keeps_all_but_the_use(form: Form, library: str, params: Params) -> None:
    registered = ModelCard(model_card("charter-udhr", "dpo", make_evaluation(), params, {}))
    card = ModelCard(card_of(form, params))
    assert card.data.to_dict()["library_name"] == library
    assert card.data.eval_results == registered.data.eval_results
    headings = [line for line in card.text.splitlines() if line.startswith("#")]
    assert headings == [line for line in registered.text.splitlines() if line.startswith("#")]
    before, _, after = registered.text.partition("## Use\n")
    assert card.text.startswith(before)
    assert card.text.endswith(after[after.index("## What it is for") :])
    assert "mlflow.artifacts" not in card.text
    assert "Version 3 of `charter-udhr`" in card.text


def test_it_names_the_seed_by_where_it_comes_from_and_by_hash(params: Params) -> None:
    pinned, hub = card_of("adapter", params), card_of("adapter", params, hub="owner/name@abc")
    assert "The seed is artifact smollm2 (pinned in Charter's `data/pinned/models.yaml`)" in pinned
    assert "The seed is hub owner/name@abc." in hub
    assert 'AutoModelForCausalLM.from_pretrained("owner/name", revision="abc")' in hub
    for card in (pinned, hub):
        assert "5" * 64 in card
        assert "a" * 64 in card


def test_it_says_when_the_seed_was_quantised(params: Params) -> None:
    assert "nf4" not in card_of("merged", params)
    assert "weights: it may answer otherwise than the figures say" in card_of(
        "merged", params, quantized=True
    )
    assert "Over full weights it may answer otherwise" in card_of("adapter", params, quantized=True)


def test_a_card_that_has_no_use_gets_one() -> None:
    card = exported_card(
        "---\nlicense: other\n---\n\n# Mine\n",
        "merged",
        model="charter-udhr",
        number=1,
        base=ModelSource(artifact="smollm2"),
        seed_sha256="5" * 64,
        adapter_sha256="a" * 64,
        quantized=False,
    )
    assert "# Mine\n\n## Use\n\nVersion 1 of" in card
