"""MLflow reports nothing of Charter's use to its makers, unless somebody asks for it."""

import os
import subprocess
import sys

import pytest

SCRIPT = (
    "from charter.registry import store\n"
    "from mlflow.telemetry.utils import is_telemetry_disabled\n"
    "print(is_telemetry_disabled())\n"
)


@pytest.mark.parametrize(
    ("setting", "disabled"), [({}, "True"), ({"MLFLOW_DISABLE_TELEMETRY": "false"}, "False")]
)
def test_telemetry_is_off_by_default(setting: dict[str, str], disabled: str) -> None:
    # In tests and CI MLflow has it off by itself.
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "HOME": os.environ["HOME"]} | setting
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True, env=environment
    )
    assert done.stdout.strip() == disabled
