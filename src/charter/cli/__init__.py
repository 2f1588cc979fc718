"""The command line, one module a group of commands: parse, call, print."""

from charter.cli.main import main

__all__ = ["main"]
