"""Who may reach the endpoint."""

import pytest

from charter.project.errors import CharterError
from charter.serving.running import KEYS, Address, read_keys


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
