"""Why the target stopped: MI's `*stopped` → the body of DAP's `stopped` event."""

from collections.abc import Hashable
from typing import Any

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.data_breakpoints import hit_body
from dapbridge.engines.mi.stops import ReturnValue
from dapbridge.mi.records import Payload

# MI's reasons (GDB manual, "GDB/MI Async Records") → DAP's.
_REASONS = {
    "breakpoint-hit": "breakpoint",
    "watchpoint-trigger": "data breakpoint",
    "read-watchpoint-trigger": "data breakpoint",
    "access-watchpoint-trigger": "data breakpoint",
    "watchpoint-scope": "step",
    "end-stepping-range": "step",
    "function-finished": "step",
    "location-reached": "step",
    "signal-received": "exception",
    "no-history": "step",
}
# The groups of breakpoints with a reason of their own in DAP.
_BREAKPOINTS: dict[Hashable, str] = {"function": "function breakpoint", "instruction": "instruction breakpoint"}
SCOPE_END = "watchpoint-scope"
_PAUSE_SIGNALS = frozenset({"SIGINT", "0", "SIGSTOP"})


def split_reasons(payload: Payload) -> tuple[list[str], Payload]:
    """Return the watchpoints whose scope has ended, and `*stopped` with one reason: that of another kind, if any."""
    reasons = _listed(payload.get("reason", ""))
    others = [each for each in reasons if each != SCOPE_END]
    ended = [str(each) for each in _listed(payload["wpnum"])] if len(others) < len(reasons) else []
    return ended, payload | {"reason": others[0] if others else SCOPE_END}


def _listed(value: Any) -> list[Any]:
    # Fields that gdb says several times arrive as a list.
    return value if isinstance(value, list) else [value]


def stopped_body(context: Context, payload: Payload, thread_id: int) -> JsonObject:
    """Return the body of the `stopped` event."""
    reason = payload.get("reason", "")
    body: JsonObject = {"reason": _REASONS.get(reason, "pause"), "threadId": thread_id, "allThreadsStopped": True}
    wanted, context.pause_wanted = context.pause_wanted, False
    failure, context.scheduling.recording_failure = context.scheduling.recording_failure, []
    if reason == "breakpoint-hit":
        number = context.breakpoints.stands_for(str(payload["bkptno"]).split(".")[0])
        body["hitBreakpointIds"] = [int(number)]
        body["reason"] = _BREAKPOINTS.get(context.breakpoints.group_of(number), "breakpoint")
    elif not reason and context.scheduling.stepping and not context.scheduling.recording and not wanted:
        # So gdb tells the end of a `finish` out of code that it knows no function for.
        body["reason"] = "step"
    elif _is_end_of_recording(context, reason):
        where = "its beginning" if context.scheduling.backwards else "the present"
        body["reason"] = "step"
        body["description"] = f"end of recording ({where})"
    elif body["reason"] == "data breakpoint":
        body |= hit_body(context, payload)
    elif failure:
        body["reason"] = "exception"
        body["description"] = "this can't be recorded; `record stop goes on without"
        body["text"] = " ".join(failure)
    elif reason == "signal-received":
        name = str(payload.get("signal-name", ""))
        if wanted and name in _PAUSE_SIGNALS:
            body["reason"] = "pause"
    return body


def find_return_value(payload: Payload) -> ReturnValue | None:
    """Return what the function that was stepped out of has returned; None where none was, or it returns nothing."""
    if "gdb-result-var" not in payload:
        return None
    return ReturnValue(str(payload["gdb-result-var"]), str(payload.get("return-value", "")))


def _is_end_of_recording(context: Context, reason: str) -> bool:
    # gdb up to 16 gives no reason at all.
    return reason == "no-history" or (not reason and context.scheduling.recording)
