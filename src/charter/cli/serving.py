"""Serving a model of the registry, and talking to it."""

import os
import shlex
import sys
from typing import Annotated

import typer

from charter.cli.context import HostOption, PortOption, SystemOption, TargetArgument, open_source


def serve(
    target: TargetArgument,
    system: SystemOption = "dpo",
    rag: Annotated[
        bool, typer.Option("--rag", help="Show it passages of the document, and cite them.")
    ] = False,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8003,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests that are decoded at once.")] = 16,
    waiting: Annotated[int, typer.Option(min=0, help="Requests that may wait; more get status 429.")] = 64,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that a request may take.")] = 300,
) -> None:
    """Serve a model of the registry on an OpenAI-compatible endpoint, as it was evaluated.

    When the alias moves to another version, the server follows within seconds. CHARTER_SERVE_KEYS has the
    keys that open it, separated by commas. Where there are a GPU and vLLM, this starts vLLM instead, unless
    --rag is given.
    """
    from charter.registry.traces import open_traces
    from charter.serving import vllm
    from charter.serving.answering import Answering, Limits
    from charter.serving.app import Endpoint
    from charter.serving.running import Address, listening, read_keys
    from charter.serving.served import ServedModel

    source = open_source(target, system)
    params, paths = source.params, source.paths
    address = Address(host, port)
    keys = read_keys(address)
    with listening(address) as places:
        if vllm.is_here(params.compute) and not rag:
            environment = vllm.vllm_environment(keys)
            version = source.find()
            command = vllm.vllm_command(paths.seed, source.fetch(version), version.model, params, address)
            typer.echo(shlex.join(command))
            sys.stdout.flush()
            os.execvpe(command[0], command, os.environ | environment)  # noqa: S606  the command is ours
        find = None
        if rag:
            from charter.serving.passages import Passages

            find = Passages(params, paths).find
        traces = open_traces(paths.root, paths.name, params.corpora[paths.name].title)
        served = ServedModel(source, concurrency)
        limits = Limits(concurrency, waiting, timeout, params.evaluate.max_new_tokens)
        endpoint = Endpoint(Answering(served, find, limits), keys, traces)
        typer.echo(f"{served.name} version {served.version.number}: http://{host}:{port}/v1 (Ctrl-C ends it)")
        try:
            endpoint.server(address).run(places)
        finally:
            served.model.stop()
    if endpoint.failure:
        raise endpoint.failure


def chat(
    url: Annotated[str, typer.Option(help="The server, without /v1.")] = "http://127.0.0.1:8003",
) -> None:
    """Talk to a served model in the terminal; the key of its server is read from OPENAI_API_KEY."""
    import readline  # noqa: F401  input() has a history by it

    from charter.serving.terminal import chat as talk

    talk(url, lambda: input("> "), lambda text: typer.echo(text, nl=False))
