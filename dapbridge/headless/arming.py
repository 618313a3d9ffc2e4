"""The probes of one session as DAP's breakpoints: set by groups, found again by their numbers, taken out one by one."""

from collections.abc import Callable, Mapping, Sequence

from dapbridge.dap.messages import JsonObject
from dapbridge.errors import UserError
from dapbridge.headless.client import DapClient
from dapbridge.headless.happenings import Armed, ArmedState
from dapbridge.headless.probes import Probe

_SIGNALS = "signals"
_CRASH_FILTERS = (_SIGNALS, "rust_panic")
"""Those of an engine's exception filters that stand for an end nobody wants."""


class Arming:
    """The probes of a session by their ids. `hits_left` says how many hits of one are still wanted, 0 for all."""

    def __init__(
        self,
        client: DapClient,
        target: str,
        probes: Mapping[int, Probe],
        hits_left: Callable[[int], int],
        tell: Callable[[Armed], None],
    ) -> None:
        self._client = client
        self._target = target
        self._probes = dict(probes)
        self._hits_left = hits_left
        self._tell = tell
        self._ids: dict[int, list[int]] = {}
        """Probes by the numbers of their breakpoints: equal ones share one."""
        self._places: dict[tuple[str, int], list[int]] = {}
        """Log points by where they stand."""
        self._data: dict[int, JsonObject] = {}

    @property
    def needs_entry(self) -> bool:
        """Whether the target has to stop once at the attach: what is watched has its address only then."""
        return any(each.kind == "watch" for each in self._probes.values())

    async def arm(self) -> None:
        """Set all but the data breakpoints, while the session is configured."""
        for path in dict.fromkeys(each.path for each in self._probes.values() if each.path):
            await self._set_source(path, news=True)
        functions = self._of(lambda each: each.kind == "function")
        if functions:
            await self._set_functions(functions, news=True)
        await self._set_filters(news=True)
        for id_ in self._of(lambda each: each.kind == "hang"):
            self._tell(Armed(self._target, id_, "armed"))

    async def arm_data(self) -> None:
        """Set the data breakpoints, at a stop."""
        for id_ in self._of(lambda each: each.kind == "watch"):
            probe = self._probes[id_]
            try:
                info = await self._client.request("dataBreakpointInfo", name=probe.expression)
            except UserError as error:
                info = {"description": str(error)}
            if info.get("dataId") is None:
                self._tell(Armed(self._target, id_, "failed", message=info.get("description")))
            else:
                condition = {"condition": probe.condition} if probe.condition else {}
                self._data[id_] = {"dataId": info["dataId"], "accessType": "write", **condition}
        await self._set_data(news=True)

    async def disarm(self, id_: int) -> None:
        """Take one probe out; the others stay."""
        probe = self._probes.pop(id_)
        match probe.kind:
            case "break" | "log":
                await self._set_source(probe.path)
            case "function":
                await self._set_functions(self._of(lambda each: each.kind == "function"))
            case "watch":
                self._data.pop(id_, None)
                await self._set_data()
            case "crash":
                await self._set_filters()

    def find_hit(self, stopped: JsonObject) -> list[int]:
        """Return the probes that a `stopped` event is a hit of."""
        if stopped.get("reason") == "exception":
            return self._of(lambda each: each.kind == "crash")
        hit = [id_ for number in stopped.get("hitBreakpointIds") or () for id_ in self._ids.get(number, ())]
        return [id_ for id_ in hit if id_ in self._probes]

    def find_logged(self, output: JsonObject) -> list[int]:
        """Return the log points that an `output` event comes from."""
        path = (output.get("source") or {}).get("path")
        found = self._places.get((path, int(output.get("line") or 0)), []) if path else []
        return [id_ for id_ in found if id_ in self._probes]

    def on_breakpoint(self, breakpoint_: JsonObject) -> None:
        """DAP's `breakpoint` event: one that was pending may have found its place, or has none any more."""
        for id_ in self._ids.get(breakpoint_.get("id", 0), ()):
            if id_ in self._probes:
                self._note(id_, breakpoint_)

    def _of(self, wanted: Callable[[Probe], bool]) -> list[int]:
        return [id_ for id_, probe in self._probes.items() if wanted(probe)]

    async def _set_source(self, path: str, *, news: bool = False) -> None:
        ids = self._of(lambda each: each.path == path)
        breakpoints = [self._source_breakpoint(id_) for id_ in ids]
        await self._set("setBreakpoints", ids, {"source": {"path": path}, "breakpoints": breakpoints}, news=news)

    def _source_breakpoint(self, id_: int) -> JsonObject:
        probe = self._probes[id_]
        body: JsonObject = {"line": probe.line}
        if probe.condition:
            body["condition"] = probe.condition
        if probe.message is not None:
            body["logMessage"] = probe.message
            if left := self._hits_left(id_):
                # The debugger counts by itself: the target never stops for a log point.
                body["hitCondition"] = f"<= {left}"
        return body

    async def _set_functions(self, ids: list[int], *, news: bool = False) -> None:
        breakpoints = [
            {"name": probe.function} | ({"condition": probe.condition} if probe.condition else {})
            for probe in (self._probes[id_] for id_ in ids)
        ]
        await self._set("setFunctionBreakpoints", ids, {"breakpoints": breakpoints}, news=news)

    async def _set_data(self, *, news: bool = False) -> None:
        if self._data or not news:
            await self._set("setDataBreakpoints", list(self._data), {"breakpoints": [*self._data.values()]}, news=news)

    async def _set_filters(self, *, news: bool = False) -> None:
        """Stop at what ends a program; at a panic, which it may survive, for a crash probe alone.

        At signals always: a PID 1 that is traced wouldn't end by them (see attachment.py).
        """
        ids = self._of(lambda each: each.kind == "crash")
        known = [str(each["filter"]) for each in self._client.capabilities.get("exceptionBreakpointFilters") or ()]
        filters = [each for each in known if each == _SIGNALS or (ids and each in _CRASH_FILTERS)]
        if known:
            try:
                await self._client.request("setExceptionBreakpoints", filters=filters)
            except UserError as error:
                self._fail(ids, str(error))
                return
        if news:
            for id_ in ids:
                self._tell(Armed(self._target, id_, "armed"))

    async def _set(self, command: str, ids: Sequence[int], arguments: JsonObject, *, news: bool) -> None:
        try:
            placed = (await self._client.send(command, arguments))["breakpoints"]
        except UserError as error:
            self._fail(ids, str(error))
            return
        for id_, breakpoint_ in zip(ids, placed, strict=True):
            if (number := breakpoint_.get("id")) is not None and id_ not in self._ids.setdefault(number, []):
                self._ids[number].append(id_)
            if news:
                self._note(id_, breakpoint_)

    def _fail(self, ids: Sequence[int], text: str) -> None:
        for id_ in ids:
            self._tell(Armed(self._target, id_, "failed", message=text))

    def _note(self, id_: int, breakpoint_: JsonObject) -> None:
        path, line = (breakpoint_.get("source") or {}).get("path"), breakpoint_.get("line")
        message = breakpoint_.get("message")
        if breakpoint_.get("verified"):
            if self._probes[id_].kind == "log" and path and line:
                self._places.setdefault((path, line), []).append(id_)
            self._tell(Armed(self._target, id_, "armed", path, line, message))
        else:
            state: ArmedState = "pending" if breakpoint_.get("reason") == "pending" else "failed"
            self._tell(Armed(self._target, id_, state, message=message))
