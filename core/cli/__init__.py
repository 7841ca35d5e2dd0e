"""The command line: parse, call a use case, print. Heavy imports wait inside the commands."""

from core.cli.app import main

__all__ = ["main"]
