"""The model card of an exported model: the registered one, with how to use what was exported."""

import re
from typing import Literal

from huggingface_hub import ModelCard

from charter.project.model_sections import ModelSource
from charter.report.model_card import source_name
from charter.report.rendering import render

Form = Literal["adapter", "merged", "gguf"]

_LIBRARIES = {"adapter": "peft", "merged": "transformers", "gguf": "gguf"}
_USE = re.compile(r"^## Use\n.*?(?=^## )", re.MULTILINE | re.DOTALL)


def exported_card(
    registered: str,
    form: Form,
    *,
    model: str,
    number: int,
    base: ModelSource,
    seed_sha256: str,
    adapter_sha256: str,
    quantized: bool,
    file: str = "",
) -> str:
    """Write the README.md of an export.

    Args:
        registered: The card of the version, as `model_card` wrote it.
        form: What was exported.
        model: The registered model's name.
        number: The version's number.
        base: Where the seed comes from.
        seed_sha256: Of the seed's folder.
        adapter_sha256: Of the registered adapter's folder.
        quantized: Whether the seed was held in 4 bits when the version was trained and evaluated.
        file: The name of the GGUF file, if that is what was exported.
    """
    card = ModelCard(registered, ignore_metadata_errors=True)
    card.data["library_name"] = _LIBRARIES[form]
    use = render(
        "exported_use.md.jinja",
        form=form,
        model=model,
        number=number,
        base=base,
        base_name=source_name(base),
        seed_sha256=seed_sha256,
        adapter_sha256=adapter_sha256,
        quantized=quantized,
        file=file,
    )
    text, found = _USE.subn(lambda _: f"{use}\n", str(card))
    return text if found else f"{text.rstrip()}\n\n{use}"
