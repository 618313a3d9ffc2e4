"""The contenders that speak DAP, dapbridge, `gdb -i=dap` and `lldb-dap`, driven by one and the same code."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from time import perf_counter, sleep
from typing import Protocol

from lean_client import JsonObject, LeanClient
from scene import AFTER_S, BUILD_FOLDER, IDLE_LINE, SERVE_LINE, SOURCE, STEPS_PER_STOP, Place, Sample, Seen, check
from support.targets import DockerTarget

_CLIENT_FOLDER = "/workspace"
INITIALIZE: JsonObject = {
    "clientID": "dapbridge-bench",
    "adapterID": "bench",
    "linesStartAt1": True,
    "columnsStartAt1": True,
    "pathFormat": "path",
    "supportsVariableType": True,
    "supportsVariablePaging": True,
}
_STACK_LEVELS = 20
_SIDECAR_RUNS = "looking at the target's processes\n"
"""What dapbridge says when its sidecar has started."""


class Adapter(Protocol):
    """One DAP adapter, and what differs in speaking to it."""

    folder: str
    """Where this adapter's client has the target's sources."""

    opens_containers: bool
    """Whether containers have to be opened, for their one-line values don't show the elements."""

    stands_after_attach: bool
    """Whether the target stands until the client says `continue`."""

    has_libraries: bool
    """Whether it has the target's own libraries, so that stacks reach the threads' start."""

    pauses: int
    """How often it may be asked for a pause until one comes."""

    def attach_arguments(self, target: DockerTarget) -> JsonObject:
        """Return the arguments of `attach`."""
        ...

    def open(self, target: DockerTarget) -> AbstractContextManager[LeanClient]:
        """Start the adapter and what it needs; end both with the block."""
        ...

    def wait_in_place(self, client: LeanClient) -> float:
        """Wait for the container that the debugger is to run in; return since when it is there, by `perf_counter`."""
        ...


class Dapbridge:
    """`dapbridge serve` over stdio."""

    folder = _CLIENT_FOLDER
    opens_containers = False
    stands_after_attach = False
    has_libraries = True
    pauses = 1

    def __init__(self, engine: str = "auto") -> None:
        self._engine = engine

    def attach_arguments(self, target: DockerTarget) -> JsonObject:
        rule = {"from": _CLIENT_FOLDER, "to": BUILD_FOLDER}
        return {"target": target.name, "engine": self._engine, "substitutePath": [rule]}

    def open(self, target: DockerTarget) -> LeanClient:
        return LeanClient([sys.executable, "-m", "dapbridge", "serve"])

    def wait_in_place(self, client: LeanClient) -> float:
        while client.event("output")["output"] != _SIDECAR_RUNS:
            pass
        return perf_counter()


class GdbDap:
    """`gdb -i=dap` by `docker exec` in a sidecar of the same image, set up as well as someone who knows it would.

    It needs a sysroot and a link for the library that lies behind an absolute symlink, has read the program's symbols
    before `attach`, and has libstdc++'s printers.
    """

    folder = BUILD_FOLDER
    opens_containers = True
    stands_after_attach = True
    has_libraries = True
    pauses = 1

    def __init__(self, image: str) -> None:
        self._image = image

    def attach_arguments(self, target: DockerTarget) -> JsonObject:
        return {"pid": 1}

    def open(self, target: DockerTarget) -> AbstractContextManager[LeanClient]:
        return _in_sidecar(self._image, target, _GDB)

    def wait_in_place(self, client: LeanClient) -> float:
        return client.started_at


class LldbDap:
    """`lldb-dap` in the same way.

    set_up: as well as someone who knows it would, with the target's own libraries, that behind an absolute symlink too.
    Without that it has the process id, and the program if it `has_program`.
    """

    folder = BUILD_FOLDER
    opens_containers = True
    stands_after_attach = False
    # Once in some two hundred attaches a pause right after it is answered, and the target runs on.
    pauses = 3

    def __init__(self, image: str, *, has_program: bool = True, set_up: bool = False) -> None:
        self._image = image
        self._has_program = has_program
        self.has_libraries = set_up

    def attach_arguments(self, target: DockerTarget) -> JsonObject:
        arguments: JsonObject = {"pid": 1, "enableAutoVariableSummaries": True}
        if self._has_program:
            arguments["program"] = "/proc/1/exe"
        if self.has_libraries:
            arguments["preRunCommands"] = ["target modules search-paths add /srv/lib /tmp / /proc/1/root/"]
        return arguments

    def open(self, target: DockerTarget) -> AbstractContextManager[LeanClient]:
        return _in_sidecar(self._image, target, ("lldb-dap-19",))

    def wait_in_place(self, client: LeanClient) -> float:
        return client.started_at


@contextmanager
def _in_sidecar(image: str, target: DockerTarget, adapter: Sequence[str]) -> Iterator[LeanClient]:
    """Run a sidecar container beside the target, and an adapter in it."""
    sidecar = _docker(
        *("run", "--detach", "--rm", f"--pid=container:{target.id}", "--network=none", "--log-driver=none"),
        *("--cap-drop=ALL", "--cap-add=SYS_PTRACE", "--cap-add=DAC_OVERRIDE", "--cap-add=KILL"),
        *("--read-only", "--tmpfs=/tmp", f"--entrypoint={_SIDECAR[0]}", image, *_SIDECAR[1:]),
    )
    try:
        # Once in a while gdb 16 answers `disconnect` and doesn't end; its container is removed anyhow.
        with (
            suppress(subprocess.TimeoutExpired),
            LeanClient(["docker", "exec", "-i", sidecar, *adapter]) as client,
        ):
            yield client
    finally:
        _docker("rm", "--force", sidecar)


# The link is there if the target has that library.
_SIDECAR = ("sh", "-c", "ln -s /proc/1/root/srv/lib/real/libstdc++.so.6.* /tmp/libstdc++.so.6 && exec sleep infinity")
_PRINTERS = (
    "python import sys; sys.path.insert(0, '/usr/share/gcc/python');"
    " from libstdcxx.v6.printers import register_libstdcxx_printers; register_libstdcxx_printers(None)"
)
_GDB = (
    *("gdb", "--nx", "--quiet", "-i=dap"),
    *("-iex", "set auto-load off", "-iex", "set debuginfod enabled off"),
    *("-iex", "set sysroot /proc/1/root", "-iex", "set solib-search-path /tmp"),
    *("-iex", _PRINTERS, "/proc/1/exe"),
)


def measure(adapter: Adapter, place: Place, stops: int, *, asks_threads: bool = False) -> Sample:
    """Attach, step `stops` times through the ticker's `serve`, detach; return what it took. Raises WrongFactsError.

    asks_threads: whether the list of threads is a part of what is looked at after a step.
    """
    sample = Sample()
    begin = perf_counter()
    with adapter.open(place.target) as client:
        client.request("initialize", **INITIALIZE)
        place.gauge.reset()
        attach_begin = perf_counter()
        attach = client.send("attach", **adapter.attach_arguments(place.target))
        in_place_at = adapter.wait_in_place(client)
        client.event("initialized")
        set_breakpoints(client, adapter, SOURCE, IDLE_LINE)
        client.request("configurationDone")
        client.response(attach)
        sample.stood_still_s = place.gauge.stood_still_ns() / 1e9
        end = perf_counter()
        sample.from_nothing_s, sample.attach_s = end - begin, end - attach_begin
        sample.in_place_s = end - in_place_at
        if adapter.stands_after_attach:
            client.request("continue", threadId=client.event("stopped")["threadId"])
        sleep(AFTER_S)
        sample.stood_still_after_s = place.gauge.stood_still_ns() / 1e9
        set_breakpoints(client, adapter, SOURCE, SERVE_LINE)
        for stop in range(stops):
            thread_id = wait_stopped(client, "breakpoint")
            _look(client, adapter, thread_id, asks_threads)
            for step in range(1, STEPS_PER_STOP + 1):
                step_begin = perf_counter()
                client.send("next", threadId=thread_id)
                wait_stopped(client, "step")
                seen, listed_at = _look(client, adapter, thread_id, asks_threads)
                sample.steps_s.append(perf_counter() - step_begin)
                sample.lists_s.append(listed_at - step_begin)
                check(seen, step, whole_stack=adapter.has_libraries)
            if stop == stops - 1:
                set_breakpoints(client, adapter, SOURCE)
            client.request("continue", threadId=thread_id)
        client.request("disconnect", terminateDebuggee=False)
    return sample


def set_breakpoints(client: LeanClient, adapter: Adapter, source: str, *lines: int) -> None:
    """Make `lines` the breakpoints of a source. Raises RuntimeError unless all are verified."""
    wanted = [{"line": line} for line in lines]
    path = {"path": f"{adapter.folder}/{source}"}
    found = client.request("setBreakpoints", source=path, breakpoints=wanted)["breakpoints"]
    if [each.get("line") for each in found if each["verified"]] != list(lines):
        raise RuntimeError(f"breakpoints on lines {lines} were set as {found}")


def wait_stopped(client: LeanClient, reason: str) -> int:
    """Wait for the next stop; return its thread. Raises RuntimeError if it is for another reason."""
    stopped = client.event("stopped")
    if stopped["reason"] != reason:
        raise RuntimeError(f"stopped for {stopped['reason']!r}, expected {reason!r}: {stopped}")
    thread_id: int = stopped["threadId"]
    return thread_id


def _look(client: LeanClient, adapter: Adapter, thread_id: int, asks_threads: bool) -> tuple[Seen, float]:
    """Return what is known of a stop, and when the variables were listed, before containers were opened."""
    if asks_threads:
        client.request("threads")
    frames = client.request("stackTrace", threadId=thread_id, startFrame=0, levels=_STACK_LEVELS)["stackFrames"]
    scopes = client.request("scopes", frameId=frames[0]["id"])["scopes"]
    # As editors do: all scopes that are not expensive, at once. lldb-dap says so of its registers and globals too.
    asked = [
        client.send("variables", variablesReference=each["variablesReference"])
        for each in scopes
        if not each["expensive"] and each.get("presentationHint") not in (None, "registers")
    ]
    listed = [each for seq in asked for each in client.response(seq)["variables"]]
    listed_at = perf_counter()
    if adapter.opens_containers:
        _open_containers(client, listed)
    functions = [each["name"] for each in frames]
    return Seen(functions, frames[0]["line"], {each["name"]: each["value"] for each in listed}), listed_at


def _open_containers(client: LeanClient, variables: list[JsonObject]) -> None:
    """Add the elements to the values of containers."""
    asked = [
        (each, client.send("variables", variablesReference=each["variablesReference"]))
        for each in variables
        # A text is there already, whatever lies in it.
        if each["variablesReference"] and not each["value"].startswith('"')
    ]
    for container, seq in asked:
        elements = ", ".join(each["value"] for each in client.response(seq)["variables"])
        container["value"] = f"{container['value']} = {{{elements}}}"


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
