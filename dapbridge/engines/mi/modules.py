"""DAP `modules` and `module`: the program and its libraries, and what is known of their symbols.

The list is made anew whenever libraries come or go or their symbols are read, while the target runs; what differs from
the last one is told. A module's id is its path in the target.
"""

import logging
from bisect import bisect_right
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi import sources
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.errors import EngineError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

log = logging.getLogger(__name__)


class ModulesArguments(Arguments, frozen=True):
    """DAP "ModulesArguments"; a count of 0 means all."""

    start_module: int | None = None
    module_count: int | None = None


class Facts(Struct, frozen=True):
    """What the debugger knows of one module; begin and end are 0 where its place in memory isn't known."""

    is_read: bool
    has_debug_info: bool
    build_id: str | None = None
    debug_file: str | None = None
    begin: int = 0
    end: int = 0


class Module(Struct, frozen=True):
    """The program or one library, by its path in the target."""

    path: str
    facts: Facts

    def to_dap(self) -> JsonObject:
        facts = self.facts
        body: JsonObject = {
            "id": self.path,
            "name": self.path.rsplit("/", 1)[-1],
            "path": self.path,
            "symbolStatus": _status(facts),
        }
        if facts.build_id:
            body["version"] = facts.build_id
        if facts.has_debug_info:
            body["symbolFilePath"] = facts.debug_file or self.path
        if facts.end:
            body["addressRange"] = f"{facts.begin:#x}-{facts.end:#x}"
        return body


class ModuleTable:
    """The modules as they were last listed."""

    def __init__(self) -> None:
        self._modules: dict[str, Module] = {}
        self._places: list[tuple[int, int, str]] = []

    @property
    def all(self) -> Sequence[Module]:
        return tuple(self._modules.values())

    def learn(self, modules: Iterable[Module]) -> list[tuple[str, Module]]:
        """Take a new list; return what is different, with DAP's word for how."""
        old, self._modules = self._modules, {each.path: each for each in modules}
        self._places = sorted((each.facts.begin, each.facts.end, each.path) for each in self.all if each.facts.end)
        removed = [("removed", each) for each in old.values() if each.path not in self._modules]
        come = [("changed" if each.path in old else "new", each) for each in self.all if old.get(each.path) != each]
        return removed + come

    def find(self, address: int) -> str | None:
        """Return the id of the module that an address belongs to."""
        at = bisect_right(self._places, (address, 1 << 64, "")) - 1
        if at < 0 or address >= self._places[at][1]:
            return None
        return self._places[at][2]


def module_id(context: Context, address: str | int) -> str | None:
    """Return the DAP id of the module that an address belongs to; None for one that no module is known to hold."""
    return context.modules.find(address if isinstance(address, int) else int(address, 0))


@request(
    "modules",
    capabilities={
        "supportsModulesRequest": True,
        "additionalModuleColumns": [{"attributeName": "version", "label": "Build ID", "type": "string"}],
    },
)
async def modules(context: Context, arguments: ModulesArguments) -> JsonObject:
    """DAP "Modules": the program first, then its libraries in the order of their loading."""
    found = await _list(context)
    start = max(arguments.start_module or 0, 0)
    page = found[start : start + arguments.module_count] if arguments.module_count else found[start:]
    return {"modules": [each.to_dap() for each in page], "totalModules": len(found)}


async def watch(context: Context) -> None:
    """Tell of modules that come, change and go, as long as the session lasts."""
    while True:
        await context.libraries.changed.wait()
        context.libraries.changed.clear()
        if not context.attached:
            continue
        try:
            news = context.modules.learn(await _list(context))
        except EngineError as error:
            log.debug("%s can't list modules: %s", context.dialect.name, error)
            continue
        for reason, module in news:
            context.tell("module", {"reason": reason, "module": module.to_dap()})
        if news:
            await _tell_sources(context)


async def _tell_sources(context: Context) -> None:
    try:
        await sources.tell_changes(context)
    except EngineError as error:
        log.debug("%s can't list sources: %s", context.dialect.name, error)


async def _list(context: Context) -> list[Module]:
    listed = await context.debugger.send("-file-list-shared-libraries")
    libraries: list[Payload] = listed.get("shared-libraries") or []
    places = [part for each in libraries for part in (str(each["host-name"]), _address(each))]
    answer = await context.debugger.send(command("x-modules", *places))
    process = context.process
    paths = [process.exe or process.name, *(str(each["target-name"]) for each in libraries)]
    try:
        facts = msgspec.convert(answer.get("modules"), list[Facts])
        return [Module(path, each) for path, each in zip(paths, facts, strict=True)]
    except ValueError as error:
        raise EngineError(f"{context.dialect.name} has no facts of its modules: {error}") from None


def _address(library: Payload) -> str:
    """Return an address inside of a library, "0" while it isn't known."""
    ranges = library.get("ranges") or [{}]
    return str(ranges[0].get("from", "0"))


def _status(facts: Facts) -> str:
    if not facts.is_read:
        return "Symbols not loaded."
    return "Symbols loaded." if facts.has_debug_info else "No debug info."
