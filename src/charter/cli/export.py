"""Taking data and models elsewhere."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import BadParameter

from charter.cli.context import SystemOption, TargetArgument, open_project, open_source


def data(
    to: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write; it is made if need be.")],
    corpora: Annotated[list[str] | None, typer.Argument(help="Which; all that have data.")] = None,
) -> None:
    """Write the synthetic data as Hugging Face data sets: Parquet, and a card that tells how it was made.

    Each corpus has two, in trl's format: load_dataset(DIR, "udhr-instruct") has prompt and completion,
    load_dataset(DIR, "udhr-preference") prompt, chosen and rejected; both have what each row was written
    from. An earlier export in DIR is replaced. Nothing is uploaded: `hf upload` takes DIR as it is.
    """
    from charter.report.dataset_export import export_data

    params, paths = open_project(*corpora or ())
    for name, splits in export_data(paths.root, params, corpora, to).items():
        typer.echo(f"{name}: {', '.join(f'{split} {rows}' for split, rows in splits.items())}")
    typer.echo(f"wrote {to}; its README.md is the data card")


def model(
    target: TargetArgument,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder, or an empty one.")],
    system: SystemOption = "dpo",
    merged: Annotated[
        bool, typer.Option("--merged", help="A whole model: the adapter merged into its seed.")
    ] = False,
    gguf: Annotated[
        Literal["f32", "bf16", "f16", "q8_0"] | None,
        typer.Option(help="The merged model as one GGUF file, its weights in this type."),
    ] = None,
) -> None:
    """Write a model of the registry as a folder that loads without Charter, with its model card.

    Without an option it is the adapter, which `peft` lays over the seed. --merged is a folder for
    `transformers` and vLLM. --gguf is a file for llama.cpp, Ollama and OpenVINO: f16 is the usual type, q8_0
    half as large and a little less exact; f32 and bf16 lose nothing of weights that are in that type.

    Each form has the chat template that words a question as it was evaluated, so ask the bare question, and
    settings that decode greedily, as evaluation did. The project's seed must be the one that the model was
    trained over. Merging takes as much memory as the seed's full weights, and runs on the processor.
    """
    if merged and gguf is not None:
        raise BadParameter("give --merged or --gguf, not both")
    from charter.serving.model_export import ModelExport, new_folder

    source = open_source(target, system)
    with new_folder(folder) as made:
        export = ModelExport(source)
        if gguf is not None:
            export.write_gguf(made, gguf)
        elif merged:
            export.write_merged(made)
        else:
            export.write_adapter(made)
    name = f"{export.version.model} version {export.version.number}"
    typer.echo(f"wrote {name} to {folder}; its README.md says how to load it")


def replies(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Such as data/replies/mine.jsonl.gz.")],
) -> None:
    """Write what the teacher, the judges and the seed replied, so that others needn't ask them.

    Whoever has the file in data/replies gets these replies without asking: they are found by the model, the
    messages and the decoding. What nobody asked yet is asked. The file holds all that the journal has of the
    models that params.yaml names now; of the seed the answers that training replays.
    """
    from charter.generation.judge_models import judge_models
    from charter.generation.replies import SUFFIX, write_replies
    from charter.generation.teacher import teacher_model
    from charter.project.storage import directory_sha256

    if not file.name.endswith(SUFFIX):
        raise BadParameter(f"{file}: the name must end with {SUFFIX}")
    params, paths = open_project()
    asked = [teacher_model(params, paths), *judge_models(params, paths).values()]
    models = {directory_sha256(paths.seed), *(model.identity for model in asked)}
    count = write_replies(paths.journal, models, file)
    typer.echo(f"wrote {file}: {count:,} replies")
