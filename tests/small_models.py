"""What a project with a tiny seed needs to answer: adapters, and two chunks behind an index."""

from pathlib import Path

from charter.project.paths import CorpusPaths
from charter.project.sections import Retrieval
from charter.project.storage import write_rows
from rows import chunk_of

GIFTS = "Gifts above 50 euros need consent."
SAFETY = "Anyone may stop unsafe work."


def random_adapter(seed: Path, folder: Path, number: int) -> None:
    """Write an adapter that changes what the seed says; each number gives another."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(number)
    model = AutoModelForCausalLM.from_pretrained(seed)
    lora = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(model, lora).save_pretrained(folder)


def write_index(paths: CorpusPaths, retrieval: Retrieval) -> None:
    """Write the chunks ``gifts``, on pages 3 and 4, and ``safety``, and the index over them."""
    import torch

    from charter.retrieval.encoder import Encoder
    from charter.retrieval.index import build_index

    chunks = [
        chunk_of(text, chunk_id=name, document="rules.pdf", headings=("Rules", name.title()))
        for name, text in (("gifts", GIFTS), ("safety", SAFETY))
    ]
    chunks[0] = chunks[0].model_copy(update={"pages": (3, 4)})
    write_rows(paths.chunks, chunks)
    build_index(chunks, Encoder(paths.encoder, torch.device("cpu")), retrieval).save(paths.index)
