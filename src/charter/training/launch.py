"""One training in several processes: data-parallel, each with a share of every step's rows.

The processes of ``compute.processes`` are started on this machine. Where the stage itself was started as one
of many, by ``accelerate launch`` on one machine or a cluster, it is one of them and starts no others.
"""

import logging
import os
from collections.abc import Callable
from typing import Any, TypeVar

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from charter.project.errors import CharterError

Result = TypeVar("Result")


def launch(processes: int, function: Callable[..., Result], *args: Any) -> Result:
    """Run ``function(*args)`` in every one of ``processes`` processes; with one, in this process.

    Returns:
        What the main process returned.

    Raises:
        CharterError: A process raised it.
        ChildFailedError: A process failed otherwise; it holds the first traceback.
    """
    if processes == 1 or "WORLD_SIZE" in os.environ:
        return function(*args)
    # It logs what it then raises.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    config = LaunchConfig(
        run_id="charter",
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        local_addr="127.0.0.1",
        max_restarts=0,
    )
    try:
        results: dict[int, Result] = elastic_launch(config, function)(*args)
    except ChildFailedError as error:
        _, failure = error.get_first_failure()
        # A mapping where the process could still record its exception, else the signal that ended it.
        raised = failure.message["message"] if isinstance(failure.message, dict) else ""
        name, _, message = raised.partition(": ")
        if name == CharterError.__name__:
            raise CharterError(message) from error
        raise
    return results[0]
