"""The files of a model, fetched into a folder from where params.yaml says."""

from pathlib import Path

from charter.project.hub_models import fetch_hub_model
from charter.project.model_sections import ModelSource
from charter.project.pinned_files import lay_out, pinned_set
from charter.project.storage import write_json


def fetch_model(source: ModelSource, folder: Path, pinned: Path) -> None:
    """Lay a model out in a folder, with a note of its source; of a served one there is only the note.

    ``pinned`` is the list of pinned models.

    Raises:
        CharterError: The model is not in that list, or can't be fetched whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if source.artifact is not None:
        lay_out(pinned_set(pinned, source.artifact), folder)
    elif source.hub is not None:
        fetch_hub_model(source.hub, folder)
    write_json(folder / "source.json", source.model_dump(exclude_none=True))
