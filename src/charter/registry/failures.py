"""What went wrong with the store, in words that say what to do.

MLflow's client tells a wrong password, a missing right and a server that is down in the same way: as an
MlflowException or an error of ``requests``, whose text begins with an endpoint.
"""

import re
from collections.abc import Iterator

from mlflow.exceptions import ERROR_CODE_TO_HTTP_STATUS, MlflowException
from mlflow.utils.credentials import read_mlflow_creds
from requests import exceptions as http
from urllib3.exceptions import ReadTimeoutError

from charter.project.errors import CharterError


def user_name() -> str | None:
    """Return whom MLflow's client says it is: MLFLOW_TRACKING_USERNAME, or by ``~/.mlflow/credentials``."""
    return read_mlflow_creds().username


def store_failure(uri: str, error: Exception) -> CharterError:
    """Return what to tell of an error that the store at ``uri`` answered with, or didn't answer."""
    return CharterError(f"MLflow at {without_passwords(uri)}: {_reason(error)}")


def _reason(error: Exception) -> str:
    who = user_name() or "a user without a name"
    status = http_status(error)
    if _is_a(error, http.SSLError):
        return (
            "its certificate isn't trusted; set MLFLOW_TRACKING_SERVER_CERT_PATH to that of the authority "
            "which signed it"
        )
    if _is_a(error, http.Timeout, ReadTimeoutError):
        return "no answer in time; look at the server, or give it more by MLFLOW_HTTP_REQUEST_TIMEOUT"
    if _is_a(error, http.RetryError):
        return "it fails again and again; its own log says why"
    if _is_a(error, http.ConnectionError):
        return "it can't be reached; is it running, and is MLFLOW_TRACKING_URI its address?"
    if status == 401:
        return (
            f"it doesn't let {who} in; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to those of "
            "an account there"
        )
    if status == 403 and "Invalid Host header" in str(error):
        return "it isn't served under this name; whoever runs it adds the name to --allowed-hosts"
    if status == 403:
        return f"{who} has no right to do this; whoever runs it can give it"
    return without_passwords(next(iter(str(error).splitlines()), repr(error)))


def http_status(error: Exception) -> int | None:
    """Return the status that a server answered with, or what it would be where there is no server."""
    for link in _chain(error):
        if isinstance(link, http.HTTPError) and link.response is not None:
            return int(link.response.status_code)
    if isinstance(error, MlflowException):
        return ERROR_CODE_TO_HTTP_STATUS.get(error.error_code, 500)
    return None


def without_passwords(text: str) -> str:
    """Take user and password out of the addresses in a text; MLflow's own errors show them."""
    return re.sub(r"://[^/\s]*@", "://", text)


def _is_a(error: Exception, *kinds: type[Exception]) -> bool:
    return any(isinstance(link, kinds) for link in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, then what it was raised for; MLflow often wraps one without naming it as the cause."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
