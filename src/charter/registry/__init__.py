"""The mirror of a corpus's pipeline in MLflow: experiments, runs, curves, registered models.

Files are the truth; this package copies them to where people compare. Publishing is idempotent: a state
(`charter.report.pipeline_state`) that MLflow shows already is not written again, and one whose writing was
cut off is written anew. Runs are named by what they are, never by ``MLFLOW_RUN_ID``, which would make every
corpus write to one run.
"""

import logging
import os

# Set before mlflow is imported: it would report its use to its makers, and print an address for each run
# and a bar for each small file.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

# A server that is down must not hold up a stage: MLflow itself would try eight times, 120 seconds each.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "45")

# A new store logs its schema migrations, the registry each version, and who waits for traces says so, as if
# something were wrong.
_TALKATIVE = (
    "alembic",
    "mlflow.store.db.utils",
    "mlflow.store.model_registry.abstract_store",
    "mlflow.tracing.export.async_export_queue",
)
for _logger in _TALKATIVE:
    logging.getLogger(_logger).setLevel(logging.WARNING)

# Each retry is a warning; that the last one failed is said once, by whoever asked.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
