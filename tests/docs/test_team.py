"""The server for a team: nothing secret is written down or shown, and only this machine reaches it."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
SCRIPT = EXAMPLES / "team.sh"
COMPOSE: dict[str, Any] = yaml.safe_load((EXAMPLES / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]

PLAYED = """#!/bin/bash
# Plays Python, MLflow's server and PostgreSQL's programs: writes down what it is called with.
echo "$(basename "$0") $*" >> "$CALLS"
case "$(basename "$0") $*" in
    "python3 -m venv "*) mkdir -p "$3/bin" && ln -s "$PLAYED" "$3/bin/python" ;;
    *"mlflow server"*) [ -n "$MLFLOW_AUTH_ADMIN_PASSWORD" ] && [ -n "$MLFLOW_FLASK_SERVER_SECRET_KEY" ] ;;
    *team_user.py*) echo "export MLFLOW_TRACKING_PASSWORD=of-ann" ;;
    "initdb "*) mkdir -p "$2" && touch "$2/PG_VERSION" ;;
    "pg_ctl "*status) exit 3 ;;
esac
"""


@pytest.fixture
def team(tmp_path: Path) -> Callable[..., tuple[str, Path]]:
    """Run the script with played programs; returns what they were called with, and the server's folder."""
    played, calls, folder = tmp_path / "bin/played", tmp_path / "calls", tmp_path / "its server"
    played.parent.mkdir()
    played.write_text(PLAYED)
    played.chmod(0o755)
    for name in ("python3", "initdb", "pg_ctl", "psql", "createdb"):
        (played.parent / name).symlink_to(played)
    environment = os.environ | {
        "PATH": f"{played.parent}{os.pathsep}{os.environ['PATH']}",
        "PLAYED": str(played),
        "CALLS": str(calls),
        "TEAM_FOLDER": str(folder),
        "TEAM_URL": "https://mlflow.example.org",
    }

    def run(*arguments: str, code: int = 0) -> tuple[str, Path]:
        done = subprocess.run(
            [SCRIPT, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == code, done.stdout + done.stderr
        return calls.read_text() if calls.exists() else done.stderr, folder

    return run


def test_secrets_are_random_files_of_their_owner_and_in_no_arguments(
    team: Callable[..., tuple[str, Path]],
) -> None:
    team("start")
    calls, folder = team("user", "ann", "editor")
    secrets = {path.name: path.read_text().strip() for path in (folder / "secrets").iterdir()}
    assert secrets.keys() == {"admin", "flask"}
    for secret in secrets.values():
        assert len(secret) == 32
        assert secret not in calls
    assert secrets["admin"] != secrets["flask"]
    assert (folder / "users/ann.env").read_text() == "export MLFLOW_TRACKING_PASSWORD=of-ann\n"
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    team("start")
    assert {path.name: path.read_text().strip() for path in (folder / "secrets").iterdir()} == secrets


def test_the_server_listens_here_alone_and_the_database_nowhere(
    team: Callable[..., tuple[str, Path]],
) -> None:
    calls, folder = team("start")
    (server,) = (line for line in calls.splitlines() if "mlflow server" in line)
    for option in (
        "--app-name basic-auth",
        "--serve-artifacts",
        "--host 127.0.0.1",
        "--allowed-hosts mlflow.example.org,127.0.0.1:5000,localhost:5000",
        "--cors-allowed-origins https://mlflow.example.org",
    ):
        assert option in server
    assert "listen_addresses = ''" in (folder / "database/postgresql.conf").read_text()
    assert calls.splitlines()[-1].endswith("--mode fast stop"), "the database outlives the server"


@pytest.mark.parametrize("arguments", [(), ("start", "now"), ("user", "ann")], ids=str)
def test_misuse_is_told_what_there_is(
    team: Callable[..., tuple[str, Path]], arguments: tuple[str, ...]
) -> None:
    told, folder = team(*arguments, code=2)
    assert "team.sh user ann editor" in told
    assert not folder.exists()


class PlayedAccounts:
    """The accounts of a server."""

    def __init__(self) -> None:
        self.passwords: dict[str, str] = {}
        self.roles: list[SimpleNamespace] = []
        self.granted: list[tuple[int, str, str, str]] = []
        self.assigned: set[tuple[str, int]] = set()

    def create_user(self, name: str, password: str) -> None:
        if name in self.passwords:
            raise MlflowException("there is one", error_code=RESOURCE_ALREADY_EXISTS)
        self.passwords[name] = password

    def update_user_password(self, name: str, password: str) -> None:
        self.passwords[name] = password

    def list_roles(self, _: str) -> list[SimpleNamespace]:
        return self.roles

    def create_role(self, _: str, name: str, __: str) -> SimpleNamespace:
        self.roles.append(SimpleNamespace(id=7, name=name))
        return self.roles[-1]

    def add_role_permission(self, *grant: Any) -> None:
        self.granted.append(grant)

    def list_user_roles(self, name: str) -> list[SimpleNamespace]:
        return [role for role in self.roles if (name, role.id) in self.assigned]

    def assign_role(self, name: str, role: int) -> None:
        self.assigned.add((name, role))

    def unassign_role(self, name: str, role: int) -> None:
        self.assigned.remove((name, role))


def test_an_account_gets_its_role_and_a_new_password_each_time(
    load_script: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    accounts, client = PlayedAccounts(), ModuleType("client")
    client.__dict__["AuthServiceClient"] = lambda _: accounts
    for name in ("mlflow.server.auth", "mlflow.server.auth.client"):  # which want a package of the server's
        monkeypatch.setitem(sys.modules, name, client)
    script = load_script("examples/team_user")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    with pytest.raises(SystemExit, match="that is the administrator"):
        script.main("admin", "editor", "https://mlflow.example.org")
    seen = set()
    for role, is_editor in (("reader", False), ("editor", True), ("editor", True), ("reader", False)):
        script.main("ann", role, "https://mlflow.example.org")
        seen.add(accounts.passwords["ann"])
        assert (("ann", 7) in accounts.assigned) == is_editor
        assert capsys.readouterr().out.splitlines() == [
            "export MLFLOW_TRACKING_URI=https://mlflow.example.org",
            "export MLFLOW_TRACKING_USERNAME=ann",
            f"export MLFLOW_TRACKING_PASSWORD={accounts.passwords['ann']}",
        ]
    assert len(seen) == 4
    assert accounts.granted == [(7, kind, "*", permission) for kind, permission in script.GRANTS.items()]
    for name, role in (("ann; rm", "editor"), ("ann", "owner")):
        with pytest.raises(SystemExit, match="editor or reader"):
            script.main(name, role, "x")


def test_the_containers_are_pinned_keep_their_data_and_show_no_port_but_one_of_this_machine() -> None:
    assert SERVICES.keys() == {"database", "mlflow"}
    sources = [service["image"] for service in SERVICES.values()]
    sources += re.findall(r"^FROM (\S+)", SERVICES["mlflow"]["build"]["dockerfile_inline"], re.MULTILINE)
    assert len(sources) == 3
    assert all(re.fullmatch(r"[\w-]+:\d+\.\d+[\w.-]*", source) for source in sources)
    assert "ports" not in SERVICES["database"]
    assert SERVICES["mlflow"]["ports"] == ["127.0.0.1:5000:5000"]
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    assert mounted == COMPOSE["volumes"].keys()
    command = SERVICES["mlflow"]["command"]
    places = {option.partition("=")[2] for option in command} | {"/var/lib/postgresql/data"}
    assert {volume.split(":")[1] for s in SERVICES.values() for volume in s["volumes"]} <= places
    assert any(option.startswith("--allowed-hosts=") and "*" not in option for option in command)
    for name in re.findall(
        r"^COPY (.+) /srv/$", SERVICES["mlflow"]["build"]["dockerfile_inline"], re.MULTILINE
    ):
        assert all((EXAMPLES / file).is_file() for file in name.split())


def test_no_secret_is_written_in_the_files() -> None:
    secret = re.compile("PASSWORD|SECRET|KEY")
    environment = [item for service in SERVICES.values() for item in service["environment"].items()]
    values = [value for name, value in environment if secret.search(name)]
    assert len(values) == 5
    assert all(re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value) for value in values)
    assert not re.search(r"(?m)^admin_password", (EXAMPLES / "basic_auth.ini").read_text())
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"/team/", "/examples/*.env"} <= set(ignored)


def test_the_server_is_the_mlflow_that_charter_is_tested_with() -> None:
    text = (EXAMPLES / "team-requirements.txt").read_text()
    pinned = dict(re.findall(r"^([\w-]+)(?:\[\w+\])?==(\S+)$", text, re.MULTILINE))
    assert f"\nmlflow=={pinned['mlflow']}\n" in (ROOT / "requirements.lock").read_text()
    assert SERVICES["mlflow"]["image"].endswith(f":{pinned['mlflow']}")
    page = (ROOT / "docs/team.md").read_text()
    assert f"MLflow {pinned['mlflow']}" in page
    assert f"psycopg2-binary {pinned['psycopg2-binary']}" in page
