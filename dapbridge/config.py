"""The attach configuration (launch.json, nvim-dap): JSON in, typed config or a UserError in the user's words out."""

import difflib
import json
import math
import re
import signal
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.errors import UserError

SignalAction = Literal["stop", "pass", "ignore"]
"""stop: stop there, then pass it on. pass: pass it on unseen. ignore: keep it from the program."""
EngineName = Literal["auto", "gdb", "lldb", "delve"]
FollowFork = Literal["parent", "child", "both"]


class SubstitutePathRule(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """`from` is a prefix of client paths, `to` the target's; named like the Go extension's rules."""

    from_: str
    to: str


class SidecarConfig(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What the user says of the sidecar; None: dapbridge's own choice."""

    image: str | None = None
    pull: Literal["missing", "always", "never"] = "missing"
    user: str | None = None
    cap_add: tuple[str, ...] = ()
    platform: str | None = None


class DelveConfig(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A dlv that runs already: where it listens, None for none."""

    address: str | None = None


class AttachConfig(Struct, frozen=True, rename="camel"):
    """Arguments of `attach`; docs/configuration.md has the meaning of each. Unknown ones are a client's business."""

    target: str
    process: int | str | None = None
    engine: EngineName = "auto"
    program: str | None = None
    substitute_path: tuple[SubstitutePathRule, ...] | Literal["auto"] = "auto"
    source_request: bool = True
    stop_on_entry: bool = False
    follow_fork: FollowFork = "parent"
    read_only: bool = False
    max_pause: float = 0
    call_timeout: float = 10
    sidecar: SidecarConfig = SidecarConfig()
    delve: DelveConfig = DelveConfig()
    signals: Mapping[str, SignalAction] = {}
    init_commands: tuple[str, ...] = ()
    attach_commands: tuple[str, ...] = ()
    exit_commands: tuple[str, ...] = ()


T = TypeVar("T", bound=Struct)

_EXPECTED = {
    "target": 'a container\'s name, e.g. "api", or a target URI, e.g. "pid://4242"',
    "process": "a pid inside the target, or a name or regular expression over its command lines",
    "engine": '"auto", "gdb", "lldb" or "delve"',
    "program": "the path of a local binary or .debug file",
    "substitutePath": 'a list of {"from": client prefix, "to": target prefix}, or "auto"',
    "sourceRequest": "true or false",
    "stopOnEntry": "true or false",
    "followFork": '"parent", "child" or "both"',
    "readOnly": "true or false",
    "maxPause": "a number of seconds, 0 for no limit",
    "callTimeout": "a number of seconds, 0 for no limit",
    "sidecar": 'an object, e.g. {"image": "my/sidecar"}',
    "sidecar.image": "an image's name",
    "sidecar.pull": '"missing", "always" or "never"',
    "sidecar.user": 'a text: "1000", "1000:1000" or "root"',
    "sidecar.capAdd": 'a list of capabilities, e.g. ["SYS_PTRACE"]',
    "sidecar.platform": 'a platform, e.g. "linux/arm64"',
    "delve": 'an object, {"address": "HOST:PORT"}',
    "delve.address": '"HOST:PORT"',
    "signals": 'an object, e.g. {"SIGUSR1": "stop"}; each signal with "stop", "pass" or "ignore"',
    "initCommands": "a list of debugger commands",
    "attachCommands": "a list of debugger commands",
    "exitCommands": "a list of debugger commands",
}

# Added by clients themselves, besides all that begins with "__" (VS Code) or ":" (Emacs).
_CLIENTS_OWN = frozenset(
    [
        "name",
        "type",
        "request",
        "debugServer",
        "noDebug",
        "restart",
        "presentation",
        "preLaunchTask",
        "postDebugTask",
        "internalConsoleOptions",
        "serverReadyAction",
        "suppressMultipleSessionWarning",
        "consoleName",
        "console",
        "cwd",
        "windows",
        "osx",
        "linux",
    ]
)
DELVES_OWN = frozenset(
    [
        "backend",
        "followExec",
        "followExecRegex",
        "goroutineFilters",
        "hideSystemGoroutines",
        "showGlobalVariables",
        "showPprofLabels",
        "showRegisters",
        "stackTraceDepth",
    ]
)

# What other debuggers' configurations call it.
_OTHER_NAMES = {
    "container": "target",
    "containerId": "target",
    "containerName": "target",
    "pid": "process",
    "processId": "process",
    "processName": "process",
    "MIMode": "engine",
    "remotePath": "substitutePath",
    "sourceFileMap": "substitutePath",
    "sourceMap": "substitutePath",
    "postRunCommands": "attachCommands",
    "preRunCommands": "initCommands",
    "setupCommands": "initCommands",
    "stopAtEntry": "stopOnEntry",
    "symbolFile": "program",
}
# Left unread, these would attach to another process than the one meant.
_NAMES_OF_PROCESS = [name for name, ours in _OTHER_NAMES.items() if ours == "process"]


_REAL_TIME = re.compile(r"(?:SIG)?RTMIN(?:\+(\d{1,2}))?\Z", re.ASCII)
_FIRST_REAL_TIME, _LAST_REAL_TIME = 34, 64
_NOT_TO_CHOOSE = frozenset({signal.SIGINT, signal.SIGTRAP, signal.SIGKILL, signal.SIGSTOP})


def parse_attach(arguments: JsonObject) -> AttachConfig:
    """Parse the arguments of `attach`; null counts as left out. Raises UserError naming the attribute and its value."""
    delve = arguments.get("delve")
    if arguments.get("target") is None and isinstance(delve, dict) and delve.get("address") is not None:
        arguments = {**arguments, "target": f"dlv at {delve['address']}"}
    if arguments.get("target") is None:
        raise UserError(
            '"target" is missing: name the container, e.g. "target": "api", or a process, "target": "pid://4242"'
        )
    for name in _NAMES_OF_PROCESS:
        if arguments.get(name) is not None and arguments.get("process") is None:
            raise UserError(f'"{name}": dapbridge calls it "process": {_EXPECTED["process"]}')
    config = _parse(AttachConfig, arguments)
    process = config.process
    if isinstance(process, str) and process.isascii() and process.isdecimal():
        process = int(process)
    _check("target", config.target, bool(config.target.strip()))
    _check("process", process, process is None or _is_process(process))
    _check("maxPause", config.max_pause, config.max_pause >= 0 and math.isfinite(config.max_pause))
    signals = {find_signal_name(name): action for name, action in config.signals.items()}
    _check("signals", config.signals, None not in signals)
    _check("callTimeout", config.call_timeout, config.call_timeout >= 0 and math.isfinite(config.call_timeout))
    address = config.delve.address
    _check("delve.address", address, address is None or re.fullmatch(r"\S+:\d{1,5}", address, re.ASCII) is not None)
    user = config.sidecar.user
    _check("sidecar.user", user, user is None or re.fullmatch(r"[\w.-]+(:[\w.-]+)?", user, re.ASCII) is not None)
    return msgspec.structs.replace(config, target=config.target.strip(), process=process, signals=signals)


def find_signal_name(text: str) -> str | None:
    """Return the debugger's name for a signal ("SIGUSR1", "usr1", "10", "SIGRTMIN+3"); None for none to choose.

    SIGINT and SIGTRAP are the debugger's own, SIGKILL and SIGSTOP can't be handled.
    """
    word = text.strip().upper()
    if real_time := _REAL_TIME.match(word):
        number = _FIRST_REAL_TIME + int(real_time[1] or 0)
    elif word.isascii() and word.isdecimal():
        number = int(word)
    else:
        named = signal.Signals.__members__.get(word if word.startswith("SIG") else f"SIG{word}")
        if named is None:
            return None
        number = named.value
    if _FIRST_REAL_TIME <= number <= _LAST_REAL_TIME:
        return f"SIG{number}"
    if not 1 <= number < _FIRST_REAL_TIME - 2 or number in _NOT_TO_CHOOSE:
        return None
    return signal.Signals(number).name


def warnings(arguments: JsonObject) -> list[str]:
    """Say what in the arguments of `attach` looks like a slip: misspelt attributes, and ${variables} left in values.

    An attribute like none of ours is no slip: clients add their own.
    """
    known = [field.encode_name for field in msgspec.structs.fields(AttachConfig)]
    unknown = [name for name in arguments if name not in {*known, *_CLIENTS_OWN, *DELVES_OWN}]
    found = []
    for name in unknown:
        meant = _OTHER_NAMES.get(name) or (None if name.startswith(("__", ":")) else _find_similar(name, known))
        if meant:
            found.append(f"unknown attribute '{name}'; did you mean '{meant}'?")
    for name in known:
        variable = re.search(r"\$\{[^}]*\}", json.dumps(arguments.get(name)))
        if variable:
            found.append(f"'{name}' still contains {variable[0]}: the editor has put nothing in its place")
    return found


def _parse(struct: type[T], values: JsonObject, prefix: str = "") -> T:
    parsed = {}
    for field in msgspec.structs.fields(struct):
        value = values.get(field.encode_name)
        if value is not None:
            parsed[field.name] = _parse_attribute(prefix + field.encode_name, value, field.type)
    return struct(**parsed)


def _parse_attribute(name: str, value: Any, kind: Any) -> Any:
    if kind in (SidecarConfig, DelveConfig) and isinstance(value, dict):
        known = [field.encode_name for field in msgspec.structs.fields(kind)]
        for unknown in value.keys() - set(known):
            similar = _find_similar(unknown, known)
            advice = f'did you mean "{similar}"?' if similar else f"there are {', '.join(known)}"
            raise UserError(f'"{name}": unknown attribute "{unknown}"; {advice}')
        return _parse(kind, value, f"{name}.")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise _refusal(name, value) from None


def _is_process(process: int | str) -> bool:
    if isinstance(process, int):
        return process > 0
    try:
        re.compile(process)
    except re.error as error:
        raise UserError(f'"process": {json.dumps(process)} is no regular expression: {error}') from None
    return bool(process.strip())


def _check(name: str, value: Any, right: bool) -> None:
    if not right:
        raise _refusal(name, value)


def _refusal(name: str, value: Any) -> UserError:
    text = json.dumps(value, ensure_ascii=False)
    return UserError(f'"{name}": expected {_EXPECTED[name]}, got {text if len(text) <= 100 else text[:99] + "…"}')


def _find_similar(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` is a misspelling of, if any; case and underscores don't count."""
    by_letters = {one.lower(): one for one in known}
    similar = difflib.get_close_matches(name.replace("_", "").lower(), by_letters, n=1, cutoff=0.75)
    return by_letters[similar[0]] if similar else None
