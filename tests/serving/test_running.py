"""Who may reach the endpoint, and where it listens."""

import socket

import pytest

from charter.project.errors import CharterError
from charter.serving.running import KEYS, Address, listening, read_keys


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_needs_no_key(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEYS, raising=False)
    assert read_keys(Address(host, 8000)) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org"])
def test_other_machines_need_one(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEYS, " , ")
    with pytest.raises(CharterError, match=f"--host {host} lets other machines in: set {KEYS}"):
        read_keys(Address(host, 8000))
    monkeypatch.setenv(KEYS, "one, two")
    assert read_keys(Address(host, 8000)) == ["one", "two"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_is_taken_until_the_block_ends(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with listening(Address(host, port)) as places:
        assert {place.getsockname()[1] for place in places} == {port}
        said = (
            f"port {port} of {host} can't be listened on; choose another with --port: Address already in use"
        )
        with pytest.raises(CharterError, match=said), listening(Address(host, port)):
            pass
    with listening(Address(host, port)):
        pass


def test_an_address_of_elsewhere_is_an_error() -> None:
    with pytest.raises(CharterError, match="can't be listened on"), listening(Address("192.0.2.1", 8000)):
        pass
