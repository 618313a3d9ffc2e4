"""The typed arguments of the requests that a session answers itself, and what it tells of all engines."""

from typing import TypeVar

import msgspec
from msgspec import Struct

from dapbridge.dap.messages import JsonObject, Request
from dapbridge.engines.announced import BREAKPOINT_MODES, EXCEPTION_FILTERS
from dapbridge.errors import UserError

COMMON_CAPABILITIES: JsonObject = {
    "supportsConfigurationDoneRequest": True,
    "supportsCancelRequest": True,
    "supportsDelayedStackTraceLoading": True,
    "supportsEvaluateForHovers": True,
    "supportsSetVariable": True,
    "supportsExceptionFilterOptions": True,
    "exceptionBreakpointFilters": EXCEPTION_FILTERS,
    "breakpointModes": BREAKPOINT_MODES,
}
"""What every engine can do, or takes and ignores; an engine's own follow with the `capabilities` event."""

Arguments = TypeVar("Arguments")


class InitializeArguments(Struct, frozen=True, rename="camel"):
    lines_start_at1: bool = True
    columns_start_at1: bool = True
    path_format: str = "path"
    supports_progress_reporting: bool = False
    supports_invalidated_event: bool = False
    supports_memory_event: bool = False

    @property
    def unwanted_events(self) -> frozenset[str]:
        """The events that DAP has for clients only that ask for them."""
        wanted = {"invalidated": self.supports_invalidated_event, "memory": self.supports_memory_event}
        return frozenset(event for event, is_wanted in wanted.items() if not is_wanted)

    def check(self) -> None:
        """Raise UserError at a client whose lines or paths would be taken for others."""
        if not (self.lines_start_at1 and self.columns_start_at1):
            raise UserError("dapbridge counts lines and columns from 1: linesStartAt1 and columnsStartAt1 must be true")
        if self.path_format != "path":
            raise UserError(f"dapbridge takes paths, no URIs: pathFormat must be 'path', not '{self.path_format}'")


class CancelArguments(Struct, frozen=True, rename="camel"):
    request_id: int | None = None
    progress_id: str | None = None


class DisconnectArguments(Struct, frozen=True, rename="camel"):
    terminate_debuggee: bool = False


def convert(request: Request, arguments_type: type[Arguments]) -> Arguments:
    """Return a request's arguments as a typed value. Raises UserError."""
    try:
        return msgspec.convert(request.arguments, arguments_type)
    except msgspec.ValidationError as error:
        raise UserError(f"arguments of '{request.command}': {error}") from None


def convert_leniently(request: Request, arguments_type: type[Arguments]) -> Arguments:
    """Return a request's arguments as a typed value; the defaults where they are wrong."""
    try:
        return convert(request, arguments_type)
    except UserError:
        return arguments_type()
