"""A registry with two versions of an adapter over the tiny seed, and servers over it on loopback."""

import gc
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn
from mlflow import MlflowClient

from charter.project.params import Params, load_params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.storage import directory_sha256, write_text
from small_models import random_adapter, write_index

if TYPE_CHECKING:
    from charter.serving.app import Endpoint
    from charter.serving.served import ServedModel

ROOT = Path(__file__).parent.parent
MODEL = "charter-bcg"
START_SECONDS = 180


@dataclass(frozen=True)
class Registry:
    """A project with an index, and MLflow with versions 1 and 2 of MODEL."""

    params: Params
    paths: CorpusPaths
    client: MlflowClient

    def point(self, alias: str, number: int) -> None:
        """Let an alias name a version."""
        self.client.set_registered_model_alias(MODEL, alias, str(number))

    def adapter(self, number: int) -> Path:
        """The adapter of a version, as it was registered."""
        return self.paths.root / f"versions/{number}/adapter"


@dataclass(frozen=True)
class Running:
    """A server on loopback: its address without /v1, what uvicorn runs, and what that serves."""

    url: str
    server: uvicorn.Server
    endpoint: "Endpoint"
    served: "ServedModel"


@pytest.fixture(scope="session")
def registry(
    tiny_seed: Path, base_models: ProjectPaths, empty_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Registry]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        root = tmp_path_factory.mktemp("served")
        shutil.copy(ROOT / "params.yaml", root)
        shutil.copy(empty_store, root)
        params = load_params(root / "params.yaml")
        evaluate = params.evaluate.model_copy(update={"max_new_tokens": 10})
        params = params.model_copy(update={"evaluate": evaluate})
        paths = ProjectPaths(root).corpus("bcg")
        paths.seed.parent.mkdir(parents=True)
        paths.seed.symlink_to(tiny_seed)
        paths.encoder.symlink_to(base_models.encoder)
        write_index(paths, params.retrieval)
        client = MlflowClient(tracking_uri=f"sqlite:///{root}/mlflow.db")
        client.create_registered_model(MODEL)
        registry = Registry(params, paths, client)
        for number in (1, 2):
            register(registry, number)
        registry.point("champion", 1)
        # transformers looks for garbage whenever a model stops: not among all that is imported.
        gc.freeze()
        yield registry
        gc.unfreeze()


def register(registry: Registry, number: int) -> None:
    """Make an adapter that changes what the seed says, and register it as publishing does."""
    from charter.training.models import load_tokenizer

    folder = registry.adapter(number)
    random_adapter(registry.paths.seed, folder, number)
    load_tokenizer(registry.paths.seed).save_pretrained(folder)
    card = f"---\nlibrary_name: peft\n---\n\n# {MODEL}\n\n## Use\n\nBy MLflow.\n\n## Lineage\n\nHashes.\n"
    write_text(folder.parent / "README.md", card)
    tags = {
        "sha256.adapter": directory_sha256(folder),
        "sha256.seed": directory_sha256(registry.paths.seed),
    }
    registry.client.create_model_version(MODEL, folder.parent.as_uri(), tags=tags)


Serve = Callable[..., AbstractContextManager[Running]]


@pytest.fixture(scope="session")
def serve(registry: Registry) -> Serve:
    """Run a server in a thread until the block ends: its alias, whether it retrieves, its limits and keys."""

    @contextmanager
    def run(
        alias: str = "champion",
        *,
        rag: bool = False,
        keys: tuple[str, ...] = (),
        concurrency: int = 8,
        waiting: int = 64,
        timeout: float = 60,
    ) -> Iterator[Running]:
        from charter.serving.answering import Answering, Limits
        from charter.serving.app import Endpoint
        from charter.serving.passages import Passages
        from charter.serving.running import Address
        from charter.serving.served import ServedModel, Source

        params, paths = registry.params, registry.paths
        served = ServedModel(Source(params, paths, "dpo", alias), concurrency)
        find = Passages(params, paths).find if rag else None
        limits = Limits(concurrency, waiting, timeout, params.evaluate.max_new_tokens)
        endpoint = Endpoint(Answering(served, find, limits), keys, follow_seconds=0.2)
        # Bound here, so that nobody else gets the port before the server has it.
        place = socket.socket()
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
        server = endpoint.server(Address("127.0.0.1", port))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}")
            yield Running(f"http://127.0.0.1:{port}", server, endpoint, served)
        finally:
            server.should_exit = True
            thread.join()

    return run


@pytest.fixture(scope="session")
def rag_server(serve: Serve) -> Iterator[Running]:
    """A server of version 1 with retrieval."""
    with serve(rag=True) as running:
        yield running


@pytest.fixture(scope="session")
def server(serve: Serve) -> Iterator[Running]:
    """A server of version 1, without retrieval, open."""
    with serve() as running:
        yield running


def wait_until_healthy(url: str) -> None:
    """Wait until a server answers."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return
        # One that loads in this process needs the interpreter.
        time.sleep(0.2)
    raise RuntimeError(f"{url} doesn't answer")
