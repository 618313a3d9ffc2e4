"""The one error that a command answers with."""

from __future__ import annotations


class MiError(Exception):
    """A command can't be done, in words for the user; it is answered with `^error`."""
