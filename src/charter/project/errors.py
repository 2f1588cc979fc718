"""The one error Charter raises on purpose."""


class CharterError(Exception):
    """Something the user can mend; the message names the file, line or parameter and says what to do.

    The command line prints the message alone, without a traceback, and exits with 1.
    """
