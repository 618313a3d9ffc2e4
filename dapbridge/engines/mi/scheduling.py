"""Which threads run when the target goes on: all of them, or one alone for `singleThread` or while it is recorded.

The debugger's default stays for all other steps: every thread runs while one is stepped. A step over a call that waits
for another thread (a lock, a queue, a join) would never end otherwise; `scheduler-locking step` would bring that about.
"""

import asyncio

from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.debugger import Answer
from dapbridge.engines.mi.scheduling_state import WayStation
from dapbridge.errors import EngineError
from dapbridge.mi.commands import command, console
from dapbridge.mi.records import Async, Payload

_ASK = "-gdb-show scheduler-locking"
_LOCK = "-gdb-set scheduler-locking on"
_DEFAULT = "replay"
_LOST_STOP_AGAIN_S = 0.2


async def resume(
    context: Context,
    resuming: str,
    *,
    alone: bool = False,
    backwards: bool = False,
    stepping: bool = False,
    watched: int | None = None,
    via: WayStation | None = None,
) -> None:
    """Send a command that lets the target go on. alone: its other threads stand still until the next stop.

    watched: the thread whose end meanwhile would make the debugger silent.
    """
    state = context.scheduling
    state.backwards, state.stepping, state.watched = backwards, stepping, watched
    if alone and state.setting is None:
        state.setting = _lock(context)
    state.via = via
    try:
        await context.debugger.send(resuming)
    except (EngineError, asyncio.CancelledError):
        state.via = None
        let_all_run(context)
        raise


def let_all_run(context: Context) -> None:
    """A request for one thread is over: put back what the debugger was set to."""
    setting, context.scheduling.setting = context.scheduling.setting, None
    _put_back(context, setting)


def on_record_started(context: Context) -> None:
    """`=record-started`. gdb records one thread at a time; with others running its steps never end (gdb 13 to 16)."""
    state = context.scheduling
    if not state.recording:
        state.recording = True
        state.setting_before_recording = _lock(context)
        context.tell("capabilities", {"capabilities": {"supportsStepBack": True}})
        count = len(context.threads.to_dap())
        if count > 1:
            text = (
                f"The target has {count} threads: until `record stop only the one that is stepped or continued runs.\n"
            )
            context.tell("output", {"category": "important", "output": text})


def on_recording_failed(context: Context, payload: Payload) -> None:
    """An instruction can't be recorded; the stop follows."""
    context.scheduling.recording_failure.append(str(payload["text"]))


def on_record_stopped(context: Context) -> None:
    """`=record-stopped`."""
    state = context.scheduling
    if state.recording:
        state.recording = False
        setting, state.setting_before_recording = state.setting_before_recording, None
        _put_back(context, setting)
        context.tell("capabilities", {"capabilities": {"supportsStepBack": False}})


def leave_recording(context: Context) -> list[Answer]:
    """Go back from the past to the present, which the kernel knows, and end the recording; for a target that stands."""
    if not context.scheduling.recording:
        return []
    return [context.debugger.send(console(each)) for each in ("record goto end", "record stop")]


async def give_back(context: Context) -> None:
    """Undo what would outlast a detach: a past that is being replayed above all."""
    let_all_run(context)
    if context.scheduling.recording:
        if context.stop is None:
            context.scheduling.stood.clear()
            context.debugger.send("-exec-interrupt")
            await context.scheduling.stood.wait()
        await asyncio.wait(leave_recording(context))


def goes_on(context: Context, payload: Payload) -> bool:
    """Let the target go on if this stop is no news: a station of a request's way, or made for `maxPause`."""
    state = context.scheduling
    via, state.via = state.via, None
    overdue, state.overdue = state.overdue, False
    if overdue:
        _go_on(context)
        return True
    if via is None or context.pause_wanted or payload.get("reason") != "location-reached":
        return False
    address = str(payload.get("frame", {}).get("addr") or "0")
    if int(address, 16) != via.address:
        return False
    context.debugger.send(via.then)
    return True


def on_thread_exited(context: Context, thread_id: int) -> None:
    """`=thread-exited`. When a thread ends in a `finish`, or alone, gdb (16) may stand and tell nobody: find it."""
    state = context.scheduling
    if state.watched == thread_id and context.stop is None:
        state.watched = None
        text = f"Thread {thread_id} has ended while it was stepped or ran alone.\n"
        context.tell("output", {"category": "important", "output": text})
        context.tasks.create_task(_find_lost_stop(context))


async def _find_lost_stop(context: Context) -> None:
    stood = False
    while context.stop is None and context.attached and not context.terminated:
        try:
            threads = (await context.debugger.send("-thread-info")).get("threads") or []
            table = (await context.debugger.send("-break-list")).get("BreakpointTable", {})
        except EngineError:
            return
        stands = bool(threads) and all(each.get("state") == "stopped" for each in threads)
        # Looked at twice: at first it may be about to be told.
        if stands and stood and context.stop is None:
            lost = _lost_stop(threads, table.get("body") or [])
            # The thread that is gone is still the selected one.
            context.debugger.send(command("thread-select", lost["thread-id"]))
            context.debugger.replay(Async("*", "stopped", lost))
            return
        stood = stands
        await asyncio.sleep(_LOST_STOP_AGAIN_S)


def _lost_stop(threads: list[Payload], breakpoints: list[Payload]) -> Payload:
    """Return what `*stopped` should have said: which of the threads stands at a breakpoint."""
    numbers = {
        place.get("addr"): str(each["number"])
        for each in breakpoints
        for place in (each, *(each.get("locations") or []))
    }
    for thread in threads:
        if (number := numbers.get(thread.get("frame", {}).get("addr"))) is not None:
            return {"reason": "breakpoint-hit", "bkptno": number, "thread-id": thread["id"], "frame": thread["frame"]}
    return {"thread-id": threads[0]["id"], "frame": threads[0].get("frame", {})}


def start_limit(context: Context) -> None:
    """Count the time that the target stands (`maxPause`), also its other threads while one runs alone."""
    state = context.scheduling
    if context.config.max_pause and state.limit is None:
        loop = asyncio.get_running_loop()
        state.limit = loop.call_later(context.config.max_pause, _let_go_on, context)


def end_limit(context: Context) -> None:
    """The target goes on."""
    state = context.scheduling
    if state.limit is not None and not state.alone:
        state.limit.cancel()
        state.limit = None


def _let_go_on(context: Context) -> None:
    state = context.scheduling
    state.limit = None
    text = f"maxPause: the target stood for {context.config.max_pause:g} s and goes on now\n"
    if context.stop is not None:
        context.tell("output", {"category": "important", "output": text})
        _go_on(context)
    elif state.alone:
        context.tell("output", {"category": "important", "output": text})
        state.overdue = True
        context.debugger.send("-exec-interrupt")


def _go_on(context: Context) -> None:
    let_all_run(context)
    context.scheduling.stepping = False
    leave_recording(context)
    if context.scheduling.recording:
        # Told only behind it, and then it would be late.
        _put_back(context, context.scheduling.setting_before_recording)
        context.scheduling.setting_before_recording = None
    context.debugger.send("-exec-continue")


def _lock(context: Context) -> Answer:
    before = context.debugger.send(_ASK)
    context.debugger.send(_LOCK)
    return before


def _put_back(context: Context, before: Answer | None) -> None:
    if before is not None:
        known = before.done() and before.exception() is None
        value = str(before.result().get("value", _DEFAULT)) if known else _DEFAULT
        context.debugger.send(command("gdb-set", "scheduler-locking", value))
