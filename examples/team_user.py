"""Make an account on an MLflow server with basic-auth, or give it a new password: NAME editor|reader URL.

What is printed, its owner sources. The administrator's name and password, and where the server is, are in
MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD and MLFLOW_TRACKING_URI.
"""

import os
import re
import secrets
import sys

from mlflow.exceptions import MlflowException
from mlflow.server.auth.client import AuthServiceClient

WORKSPACE = "default"
GRANTS = {
    "experiment": "EDIT",
    "registered_model": "EDIT",
    # Charter deletes what was left of a publication that was cut off, whoever began it.
    "run": "MANAGE",
    "logged_model": "MANAGE",
}
"""What editors may do; readers have what basic_auth.ini gives everybody."""


def editors(client: AuthServiceClient) -> int:
    """Return the number of the editors' role, which is made where it isn't there."""
    for role in client.list_roles(WORKSPACE):
        if role.name == "editor":
            return role.id
    role = client.create_role(WORKSPACE, "editor", "Publishes runs and models, promotes them")
    for kind, permission in GRANTS.items():
        client.add_role_permission(role.id, kind, "*", permission)
    return role.id


def main(name: str, role: str, url: str) -> None:
    """Make the account, and print its three variables."""
    if role not in ("editor", "reader") or not re.fullmatch(r"[\w.-]+", name):
        sys.exit(f"{name} {role}: a name of letters, digits, '.', '_' or '-', and editor or reader")
    if name == os.environ["MLFLOW_TRACKING_USERNAME"]:
        sys.exit(
            f"{name}: that is the administrator, whose password is in secrets/admin; choose another name"
        )
    client, password = AuthServiceClient(os.environ["MLFLOW_TRACKING_URI"]), secrets.token_urlsafe(18)
    try:
        client.create_user(name, password)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        client.update_user_password(name, password)
    number = editors(client)
    is_editor = any(item.id == number for item in client.list_user_roles(name))
    if role == "editor" and not is_editor:
        client.assign_role(name, number)
    if role == "reader" and is_editor:
        client.unassign_role(name, number)
    for variable, value in (("URI", url), ("USERNAME", name), ("PASSWORD", password)):
        sys.stdout.write(f"export MLFLOW_TRACKING_{variable}={value}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
