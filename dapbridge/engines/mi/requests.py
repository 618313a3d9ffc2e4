"""How a DAP request finds its handler: `@request` marks a function of an area file, `collect` makes the table.

Request and capability stand together on one function, so that none can be advertised without being there.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from inspect import get_annotations
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from dapbridge.dap.messages import JsonObject

if TYPE_CHECKING:
    from dapbridge.engines.mi.context import Context

Handle = Callable[["Context", Any], Awaitable[JsonObject | None]]
AnyHandle = TypeVar("AnyHandle", bound=Handle)
_MARK = "__dap_request__"


class Arguments(Struct, frozen=True, rename="camel"):
    """Base of the typed arguments of a request; fields that DAP adds later are ignored."""


class Handler(Struct, frozen=True):
    """One request that this engine answers.

    needs_stop: answered with "notStopped" while the target runs. resumes: lets the target go on. For that, and for what
    else causes_events, events wait until it is answered.
    """

    command: str
    handle: Handle
    arguments: type[Arguments]
    capabilities: Mapping[str, Any]
    needs_stop: bool
    resumes: bool
    causes_events: bool

    @property
    def holds_events(self) -> bool:
        return self.resumes or self.causes_events


def request(
    command: str,
    *,
    capabilities: Iterable[str] | Mapping[str, Any] = (),
    needs_stop: bool = False,
    resumes: bool = False,
    causes_events: bool = False,
) -> Callable[[AnyHandle], AnyHandle]:
    """Mark `async def handle(context, arguments: SomeArguments)` as the handler of a DAP request.

    capabilities: names of those that are simply true, or names with their values.
    """
    brought = dict(capabilities) if isinstance(capabilities, Mapping) else dict.fromkeys(capabilities, True)

    def mark(handle: AnyHandle) -> AnyHandle:
        arguments = get_annotations(handle, eval_str=False)["arguments"]
        setattr(handle, _MARK, Handler(command, handle, arguments, brought, needs_stop, resumes, causes_events))
        return handle

    return mark


def collect(areas: Iterable[ModuleType]) -> dict[str, Handler]:
    """Return the marked handlers of the area modules by command."""
    marked = (getattr(each, _MARK, None) for area in areas for each in vars(area).values())
    return {handler.command: handler for handler in marked if isinstance(handler, Handler)}


def capabilities_of(handlers: Iterable[Handler]) -> JsonObject:
    """Return the DAP capabilities that the handlers bring."""
    return {name: value for handler in handlers for name, value in handler.capabilities.items()}
