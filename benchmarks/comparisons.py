"""What all benchmarks print, and how they end."""

import json
import sys
from collections.abc import Callable

from charter.project.errors import CharterError


def print_comparison(name: str, ours: float, peer: float, unit: str) -> None:
    """Print a comparison as a line of JSON; ``ratio`` is ours / peer, null where the peer has nothing."""
    line = {"name": name, "ours": round(ours, 4), "peer": round(peer, 4), "unit": unit}
    sys.stdout.write(json.dumps(line | {"ratio": round(ours / peer, 4) if peer else None}) + "\n")


def run(main: Callable[[], None]) -> None:
    """Run a benchmark; what keeps it from its end and can be mended is one message and exit code 1."""
    try:
        main()
    except CharterError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
