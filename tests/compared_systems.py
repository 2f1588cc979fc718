"""A project with a tiny seed, two adapters and a tiny teacher, and its compare page."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from charter.project.params import Params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.storage import write_rows
from rows import chunk_of, rule_of
from small_models import GIFTS, random_adapter, write_index

URL = "http://127.0.0.1:8001"
RULE = "Employees ask before they take gifts."


@dataclass(frozen=True)
class Compared:
    """The project, its parameters, and where its votes go."""

    params: Params
    paths: CorpusPaths


@pytest.fixture(scope="session")
def compared(
    params: Params, tiny_seed: Path, base_models: ProjectPaths, tmp_path_factory: pytest.TempPathFactory
) -> Compared:
    paths = ProjectPaths(tmp_path_factory.mktemp("compared")).corpus("bcg")
    paths.seed.parent.mkdir(parents=True)
    paths.seed.symlink_to(tiny_seed)
    paths.encoder.symlink_to(base_models.encoder)
    shutil.copytree(tiny_seed, paths.teacher)
    for number, name in enumerate(("sft", "dpo")):
        random_adapter(paths.seed, paths.adapter(name), number)
    write_index(paths, params.retrieval)
    rule = rule_of(chunk_of(GIFTS, chunk_id="gifts"), RULE)
    gone = rule_of(chunk_of("What may I take?", chunk_id="gone"), "What may I take?")
    write_rows(paths.rules, [rule, gone])
    updates = {
        "evaluate": params.evaluate.model_copy(update={"max_new_tokens": 10}),
        "compute": params.compute.model_copy(update={"dtype": "float32", "device": "cpu"}),
        "teacher": params.teacher.model_copy(update={"engine": "transformers"}),
    }
    return Compared(params.model_copy(update=updates), paths)


OpenPage = Callable[..., AbstractContextManager[TestClient]]


@pytest.fixture(scope="session")
def open_page(compared: Compared) -> OpenPage:
    """Open the page in this process: with its keys and the file of its votes."""
    from charter.comparing.app import ComparePage
    from charter.comparing.comparisons import Comparisons
    from charter.comparing.stake import Stakes
    from charter.comparing.systems import Systems
    from charter.serving.passages import Passages
    from charter.serving.running import Address
    from charter.synthesis.rule_decisions import read_rules

    @contextmanager
    def page(votes: Path, *, keys: tuple[str, ...] = (), host: str = "127.0.0.1") -> Iterator[TestClient]:
        passages = Passages(compared.params, compared.paths)
        stakes = Stakes(read_rules(compared.paths, ask_grey=True), passages.chunks, passages.encoder)
        systems = Systems(compared.params, compared.paths)
        comparisons = Comparisons(systems, passages, stakes, votes)
        app = ComparePage(comparisons, "Rules of <conduct>", keys, Address(host, 8001)).app()
        with TestClient(app, base_url=URL) as client:
            yield client

    return page
