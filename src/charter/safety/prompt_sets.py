"""Published sets of prompts and labelled responses, as their files have them."""

import csv
import json
from collections.abc import Iterable
from io import StringIO
from pathlib import PurePosixPath

from charter.project.errors import CharterError
from charter.project.records import LabelledResponse, ProbePrompt, content_id


def read_prompts(name: str, text: str) -> list[ProbePrompt]:
    """Read a file's text; its form goes by the suffix of its name.

    ``.jsonl``: an object with ``prompt`` a line; ``.txt``: a prompt a line; ``.json``: a list of objects with
    ``text``, or an object whose ``payloads`` are the prompts.

    Raises:
        CharterError: The suffix is none of these.
    """
    # A JSON string may hold other line separators of Unicode, at which splitlines would cut.
    lines = [line for line in text.split("\n") if line.strip()]
    match PurePosixPath(name).suffix:
        case ".jsonl":
            prompts = [json.loads(line)["prompt"] for line in lines]
        case ".txt":
            prompts = lines
        case ".json":
            content = json.loads(text)
            prompts = content["payloads"] if isinstance(content, dict) else [row["text"] for row in content]
        case suffix:
            raise CharterError(f"{name}: {suffix or 'no suffix'}: prompts are .jsonl, .txt or .json")
    return [
        ProbePrompt(id=content_id(prompt.strip()), source=name, prompt=prompt.strip()) for prompt in prompts
    ]


def unique_prompts(prompts: Iterable[ProbePrompt]) -> list[ProbePrompt]:
    """Return the prompts in their order, of equal ones the first."""
    unique: dict[str, ProbePrompt] = {}
    for prompt in prompts:
        unique.setdefault(prompt.id, prompt)
    return list(unique.values())


def read_labelled(text: str) -> list[LabelledResponse]:
    """Read CSV with ``objective``, ``assistant_response`` and ``human_score`` (1: refused).

    Lines that begin with # before the header are comments.
    """
    table = text.removeprefix("\ufeff")
    while table.startswith("#"):
        table = table.partition("\n")[2]
    return [
        LabelledResponse(
            request=row["objective"].strip(),
            response=row["assistant_response"].strip(),
            refused=row["human_score"] == "1",
        )
        for row in csv.DictReader(StringIO(table, newline=""))
    ]
