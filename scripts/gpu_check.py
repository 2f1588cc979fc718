"""Training on a GPU, ours against stock trl, on a machine without a network: `make gpu-check`.

    python scripts/gpu_check.py wheels wheels --python 3.12     with a network: fetch what it lacks
    python3 scripts/gpu_check.py run --wheels wheels --out gpu.json     there: put it in place and measure

This file needs only Python and pip. The machine has torch, transformers (whose own version isn't used),
accelerate, huggingface_hub, pyarrow, scipy, scikit-learn and jinja2; what else Charter's training needs is
carried, in the versions of requirements.lock, and put into a folder of its own that is gone afterwards.
Further options of `run` are those of benchmarks/gpu_training.py.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
CARRIED = (
    "annotated-types",
    "datasets",
    "dill",
    "multiprocess",
    "pandas",
    "peft",
    "pydantic",
    "pydantic-core",
    "ruamel-yaml",
    "sentence-transformers",
    "tokenizers",
    "transformers",
    "trl",
    "typing-extensions",
    "typing-inspection",
)
"""What is fetched, without anything that these need in turn: 36 MB."""

GLIBC = (17, 24, 27, 28)
"""Minor versions of glibc 2 that wheels are named by; a machine of 2018 or later runs all of them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch the wheels, or measure; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    fetch = commands.add_parser("wheels", help="fetch what the machine lacks")
    fetch.add_argument("folder", type=Path)
    fetch.add_argument("--python", default="3.12", help="the machine's version of Python, 3.12 by default")
    fetch.add_argument("--machine", default="x86_64", help="its processor, as `uname -m` has it")
    run = commands.add_parser("run", help="measure here")
    run.add_argument(
        "--wheels", type=Path, help="the folder of wheels; without it, what is installed is used"
    )
    options, others = parser.parse_known_args(arguments)
    if options.command == "run":
        return measure(options.wheels, others)
    if others:
        parser.error(f"unknown: {' '.join(others)}")
    return subprocess.run(  # noqa: S603
        download(options.folder, options.python, options.machine), check=False
    ).returncode


def download(folder: Path, python: str, machine: str) -> list[str]:
    """Return pip's command that fetches CARRIED for another machine."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version", python, "--implementation", "cp", "--dest", str(folder)]
    for platform in (*(f"manylinux_2_{minor}_{machine}" for minor in GLIBC), f"manylinux2014_{machine}"):
        command += ["--platform", platform]
    return command + locked(CARRIED)


def locked(names: Sequence[str]) -> list[str]:
    """Return ``name==version`` of each, by requirements.lock."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    versions = dict(re.split("==", line.split(" ")[0], maxsplit=1) for line in lines if "==" in line)
    return [f"{name}=={versions[name]}" for name in names]


def measure(wheels: Path | None, arguments: Sequence[str]) -> int:
    """Run benchmarks/gpu_training.py with the wheels in place; return its exit code."""
    with tempfile.TemporaryDirectory() as site:
        if wheels is not None:
            install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
            install += ["--no-compile", "--no-cache-dir", "--target", site]
            subprocess.run([*install, *map(str, sorted(wheels.glob("*.whl")))], check=True)  # noqa: S603
        path = os.pathsep.join([site, str(ROOT / "src")])
        # What isn't on the machine isn't asked for elsewhere.
        environment = {"PYTHONPATH": path, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        script = [sys.executable, "-u", str(ROOT / "benchmarks/gpu_training.py"), *arguments]
        return subprocess.run(script, env=os.environ | environment, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
