"""Exceptions as texts for the client: which of several says most, and what a bug is called."""

from collections.abc import Iterator

from dapbridge.errors import EngineError, UserError


def find_cause(group: BaseExceptionGroup[BaseException]) -> Exception:
    """Return the error that says most to a user among those that ended a TaskGroup."""
    leaves = list(_leaves(group))
    for wanted in (UserError, EngineError, Exception):
        for error in leaves:
            if isinstance(error, wanted):
                return error
    return RuntimeError(f"ended by {leaves[0]!r}")


def format_failure(error: Exception) -> str:
    """Return an error's own words where they are meant for a person."""
    return str(error) if isinstance(error, UserError | EngineError) else format_bug(error)


def format_bug(error: Exception) -> str:
    """Return the short text for a client when dapbridge itself is wrong."""
    return f"internal error of dapbridge, its log has more: {type(error).__name__}: {error}"


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
