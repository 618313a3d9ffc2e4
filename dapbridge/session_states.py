"""The states of a debug session and which request is taken in which (DAP, "Overview"). Pure tables."""

from enum import Enum


class State(Enum):
    """How far a session is; the value completes "'stackTrace' is not possible: ..."."""

    CONNECTED = "'initialize' must be sent first"
    INITIALIZED = "there is no target yet, 'attach' must be sent first"
    PREPARING = "the target is still being prepared for 'attach'"
    CONFIGURING = "the target is attached only after 'configurationDone'"
    ATTACHED = "the target is attached already"
    ENDED = "debugging has ended"
    LEAVING = "the session is being disconnected"


_CONFIGURING = (State.PREPARING, State.CONFIGURING, State.ATTACHED)
_CONFIGURATION_REQUESTS = (
    *("setBreakpoints", "setFunctionBreakpoints", "setExceptionBreakpoints", "setDataBreakpoints"),
    *("setInstructionBreakpoints", "breakpointLocations", "dataBreakpointInfo"),
    *("source", "loadedSources", "modules"),
)
_TARGET_REQUESTS = (
    *("continue", "next", "stepIn", "stepOut", "stepBack", "reverseContinue", "restartFrame", "goto", "pause"),
    *("threads", "stackTrace", "scopes", "variables", "evaluate", "setVariable", "setExpression", "exceptionInfo"),
    *("stepInTargets", "gotoTargets", "completions", "locations"),
    *("readMemory", "writeMemory", "disassemble"),
)

_TAKEN_IN: dict[str, tuple[State, ...]] = {
    "initialize": (State.CONNECTED,),
    "attach": (State.INITIALIZED,),
    "configurationDone": (State.PREPARING, State.CONFIGURING),
    "cancel": tuple(State),
    "disconnect": tuple(state for state in State if state is not State.LEAVING),
    **dict.fromkeys(_CONFIGURATION_REQUESTS, _CONFIGURING),
    **dict.fromkeys(_TARGET_REQUESTS, (State.ATTACHED,)),
}

_NEVER_TAKEN = {
    "launch": (
        "dapbridge attaches to what already runs and starts no program yet: "
        'use "request": "attach" with "target": "CONTAINER" (or "docker://CONTAINER", "pid://PID")'
    ),
    "terminate": "unsupported request 'terminate': dapbridge never ends the target, 'disconnect' lets it run on",
    "terminateThreads": (
        "unsupported request 'terminateThreads': a thread that is ended from outside leaves what it holds, such as "
        "locks, held for ever"
    ),
    "restart": "unsupported request 'restart': dapbridge does not start the target; disconnect and attach again",
}


def find_refusal(state: State, command: str) -> str | None:
    """Return why a request is not taken in a state; None if it is.

    Once the target is attached, whatever is not the session's own goes to the engine, which knows what it supports.
    """
    if command in _NEVER_TAKEN:
        return _NEVER_TAKEN[command]
    if state is State.ATTACHED and command not in _TAKEN_IN:
        return None
    if command not in _TAKEN_IN:
        return f"unsupported request '{command}'"
    if state in _TAKEN_IN[command]:
        return None
    if command in ("initialize", "attach") and state is not State.CONNECTED:
        return f"'{command}' was sent already: a session has one"
    return f"'{command}' is not possible: {state.value}"
