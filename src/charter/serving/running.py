"""Running the endpoint on this machine: who may reach it, and how it ends."""

import ipaddress
import math
import os
import secrets
import socket
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from charter.project.errors import CharterError

KEYS = "CHARTER_SERVE_KEYS"

_BACKLOG = 2048
"""Connections that may wait until they are taken, as uvicorn has it."""


@dataclass(frozen=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def read_keys(address: Address) -> list[str]:
    """Return the keys that open the endpoint, from the environment.

    Raises:
        CharterError: There are none, and other machines could reach it.
    """
    keys = [key.strip() for key in os.environ.get(KEYS, "").split(",") if key.strip()]
    if not keys and not address.is_loopback:
        raise CharterError(
            f"--host {address.host} lets other machines in: set CHARTER_SERVE_KEYS to the keys that they "
            "must send, separated by commas"
        )
    return keys


def is_opened(authorization: str, keys: Collection[str]) -> bool:
    """Say whether a request's header ``Authorization`` has one of the keys; without keys all may come in."""
    scheme, _, given = authorization.partition(" ")
    # Headers are read as Latin-1, whatever their bytes were; the scheme's case is free (RFC 9110, 11.1).
    sent = given.strip().encode("latin-1") if scheme.lower() == "bearer" else b""
    return not keys or any(secrets.compare_digest(sent, key.encode()) for key in keys)


@contextmanager
def listening(address: Address) -> Iterator[list[socket.socket]]:
    """Take the port before a model is loaded, which may need minutes; who connects meanwhile waits.

    Raises:
        CharterError: It can't be had.
    """
    with ExitStack() as stack:
        try:
            found = socket.getaddrinfo(
                address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            places = [
                stack.enter_context(socket.create_server(place[:2], family=family, backlog=_BACKLOG))
                for family, _, _, _, place in dict.fromkeys(found)
            ]
        except OSError as error:
            raise CharterError(
                f"port {address.port} of {address.host} can't be listened on; choose another with --port: "
                f"{error.strerror}"
            ) from error
        yield places


def http_server(app: FastAPI, address: Address, timeout: float) -> uvicorn.Server:
    """Return a server that runs until SIGTERM or SIGINT; requests under way have ``timeout`` seconds more.

    It listens at the address only if it is run without sockets.
    """
    config = uvicorn.Config(
        app,
        host=address.host,
        port=address.port,
        log_level="warning",
        # Its own would close the handlers of other libraries, and with one of absl's the stream behind it.
        log_config=None,
        timeout_graceful_shutdown=math.ceil(timeout),
    )
    return uvicorn.Server(config)
