"""A version of a registered model as a folder that loads without Charter: adapter, merged, or GGUF."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import AutoConfig, GenerationConfig, PreTrainedModel

from charter.project.devices import resolve_dtype
from charter.project.errors import CharterError
from charter.project.model_sections import ModelSource
from charter.project.storage import read_json, write_json, write_text
from charter.registry.adapters import fetch_card
from charter.report.exported_card import Form, exported_card
from charter.serving.gguf_file import GgufWeights, expect_architecture, write_gguf
from charter.serving.ollama import modelfile
from charter.serving.prompts import wording_template
from charter.serving.served import Source
from charter.training.models import load_system, load_tokenizer


class ModelExport:
    """A version on its way into a folder: ``adapter`` holds its adapter, ``base`` says what lies under it."""

    def __init__(self, source: Source):
        """Find and fetch the version that the alias names.

        Raises:
            CharterError: It can't be had, or isn't over this project's seed (`Source`).
        """
        self.source = source
        self.version = source.find()
        self.adapter = source.fetch(self.version)
        self._seed = source.paths.seed
        self.base = ModelSource.model_validate(read_json(self._seed / "source.json"))

    def write_adapter(self, folder: Path) -> None:
        """Write the adapter as it was registered, but for the name of its base."""
        shutil.copytree(self.adapter, folder, dirs_exist_ok=True)
        config = read_json(folder / "adapter_config.json")
        name, _, revision = (self.base.hub or "").partition("@")
        config |= {"base_model_name_or_path": name or self.base.artifact, "revision": revision or None}
        write_json(folder / "adapter_config.json", config)
        tokenizer = _worded(load_tokenizer(self._seed))
        tokenizer.save_pretrained(folder)
        self._generation(tokenizer).save_pretrained(folder)
        self._write_card(folder, "adapter")

    def write_merged(self, folder: Path) -> None:
        """Write the seed with the adapter merged into it, in the type it was evaluated in."""
        model, tokenizer = self._merged()
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        self._write_card(folder, "merged")

    def write_gguf(self, folder: Path, weights: GgufWeights) -> None:
        """Write the merged model as one GGUF file, and a Modelfile for Ollama beside it.

        Raises:
            CharterError: Its architecture or its tokenizer can't be written.
        """
        expect_architecture(AutoConfig.from_pretrained(self._seed))
        model, tokenizer = self._merged()
        name = f"{self.version.model}-{weights}.gguf"
        title = f"{self.version.model} version {self.version.number}"
        write_gguf(folder / name, model, tokenizer, weights, title)
        write_text(folder / "Modelfile", modelfile(name, tokenizer, model.generation_config))
        self._write_card(folder, "gguf", name)

    def _merged(self) -> tuple[PreTrainedModel, Any]:
        """Load the full weights on the processor, in the type that this project computes in."""
        compute = self.source.params.compute
        dtype = str(resolve_dtype(compute)).removeprefix("torch.")
        whole = compute.model_copy(update={"device": "cpu", "dtype": dtype, "quantization": "none"})
        model, tokenizer = load_system(self._seed, self.adapter, whole)
        model.generation_config = self._generation(tokenizer)
        return model, _worded(tokenizer)

    def _generation(self, tokenizer: Any) -> GenerationConfig:
        """What `generate` does unless it is told otherwise: what evaluation did."""
        try:
            seed = GenerationConfig.from_pretrained(self._seed)
        except OSError:  # there is none
            seed = GenerationConfig.from_model_config(AutoConfig.from_pretrained(self._seed))
        ends = seed.eos_token_id or []
        ends = [ends] if isinstance(ends, int) else ends
        return GenerationConfig(
            do_sample=False,
            max_new_tokens=self.source.params.evaluate.max_new_tokens,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=sorted({*ends, tokenizer.eos_token_id}),
            pad_token_id=tokenizer.pad_token_id,
        )

    def _write_card(self, folder: Path, form: Form, file: str = "") -> None:
        card = exported_card(
            fetch_card(self.source.paths.root, self.version),
            form,
            model=self.version.model,
            number=self.version.number,
            base=self.base,
            seed_sha256=self.version.seed_sha256,
            adapter_sha256=self.version.adapter_sha256,
            quantized=self.source.params.compute.quantization != "none",
            file=file,
        )
        write_text(folder / "README.md", card)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give a folder that becomes ``folder`` when the block ends well; otherwise nothing is left of it.

    Raises:
        CharterError: There is such a folder already, and something in it, or a file of that name.
    """
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CharterError(f"{folder}: exists and isn't an empty folder; name a new one")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as name:
        made = Path(name, folder.name)
        made.mkdir()
        yield made
        for path in made.iterdir():
            path.chmod(0o644)  # safetensors and the copies are their owner's alone
        made.replace(folder)


def _worded(tokenizer: Any) -> Any:
    """Let the chat template word a question as it was evaluated, so that the bare question may be asked."""
    tokenizer.chat_template = wording_template(tokenizer.chat_template)
    return tokenizer
