"""The home: where what outlives one checkout of the project lies, the journal and MLflow's store.

DVC runs `dvc exp run --temp` and `--queue` in a copy of the project below ``.dvc/tmp/exps``, a git repository
of its own that is deleted afterwards. The home of such a copy is that of the project it was made for, and all
git worktrees of a repository have one home.
"""

import os
import subprocess
from functools import lru_cache
from pathlib import Path

_EXPERIMENTS = (".dvc", "tmp", "exps")
"""Below the folder of a DVC repository: where its experiments run."""


def find_home(root: Path) -> Path:
    """Return ``$CHARTER_HOME``, or the project's folder in the main worktree of its repository.

    In an ordinary clone, and outside git, that is ``root`` itself. Of a bare repository, which has no main
    worktree, the repository's own folder stands for it.
    """
    if chosen := os.environ.get("CHARTER_HOME"):
        return Path(chosen).expanduser().resolve()
    return _home(root.resolve())


@lru_cache
def _home(root: Path) -> Path:
    top, main = _worktrees(root)
    # Of a copy, the repository that it was made for counts.
    if origin := next((place.parents[2] for place in top.parents if place.parts[-3:] == _EXPERIMENTS), None):
        _, main = _worktrees(origin)
    return main / root.relative_to(top)


def _worktrees(folder: Path) -> tuple[Path, Path]:
    """Return the top of a folder's worktree, and that of the main worktree; the folder twice outside git."""
    asked = ("--show-toplevel", "--git-dir", "--git-common-dir")
    command = ["git", "-C", str(folder), "rev-parse", "--path-format=absolute", *asked]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return folder, folder
    top, own, common = (Path(line).resolve() for line in done.stdout.splitlines())
    if own == common:
        return top, top
    return top, common.parent if common.name == ".git" else common
