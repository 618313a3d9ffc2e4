"""gdb: signals that stop the target with their reason, that pass unseen, and that are kept from it."""

import re

import pytest
from support.dap_client import DapClient, JsonObject
from support.looking import place
from support.marks import mark
from support.serving import assert_whole, attach
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker


async def choose(client: DapClient, condition: str) -> JsonObject:
    """Set the filter for signals with a condition."""
    options = [{"filterId": "signals", "condition": condition}]
    body = await client.request("setExceptionBreakpoints", {"filters": [], "filterOptions": options})
    (found,) = body["breakpoints"]
    return dict(found)


async def counts(target: DockerTarget) -> tuple[int, int]:
    """Return how many SIGUSR1 and SIGUSR2 the program has handled by now."""
    await target.lines.wait_for("tick ", count=2)
    found = re.findall(r"first (\d+) second (\d+)", "\n".join(target.lines.all))
    return int(found[-1][0]), int(found[-1][1])


async def stop_at_second(client: DapClient) -> int:
    """Wait for a stop at SIGUSR2 and go on from it; return how many SIGUSR1 the program has handled by then."""
    stopped = await client.event("stopped", reason="exception")
    assert stopped["description"].startswith("SIGUSR2: ")
    handled = (await client.request("evaluate", {"expression": "first", "context": "watch"}))["result"]
    await client.request("continue", {"threadId": stopped["threadId"]})
    return int(handled)


@pytest.mark.parametrize(
    ("how", "signal", "message"),
    [
        ("segv", "SIGSEGV", "Segmentation fault: access to 0x0 (null pointer?)"),
        ("far", "SIGSEGV", "Segmentation fault: access to 0x123456789000, nothing is mapped there"),
        ("fpe", "SIGFPE", "Arithmetic exception: integer division by zero"),
        ("assert", "SIGABRT", "Aborted: signals: signals.c:{line}: fail: Assertion `zero == 1' failed."),
        ("abort", "SIGABRT", "Aborted"),
    ],
)
async def test_a_fatal_signal_stops_with_its_reason(client: DapClient, how: str, signal: str, message: str) -> None:
    async with running("signals", how) as target:
        await attach(client, target, "signals.c")
        target.trigger()
        stopped = await client.event("stopped", reason="exception")
        message = message.format(line=mark("signals.c", "assert"))
        assert stopped["description"] == stopped["text"] == f"{signal}: {message}"
        thread = stopped["threadId"]
        found = await client.request("exceptionInfo", {"threadId": thread})
        assert (found["exceptionId"], found["description"]) == (signal, message)
        assert " main at " in found["details"]["stackTrace"]
        if how in ("segv", "far", "fpe"):
            assert await place(client, thread) == ("fail", mark("signals.c", how))
        await client.disconnect()


async def test_a_signal_that_is_chosen_stops_and_is_passed_on(client: DapClient) -> None:
    async with running("signals") as target:
        await attach(client, target, "signals.c")
        before = await counts(target)
        assert (await choose(client, "usr1"))["verified"]
        for _ in range(3):
            stopped = await client.event("stopped", reason="exception")
            assert stopped["text"] == "SIGUSR1: User defined signal 1: sent by the program itself"
            await client.request("continue", {"threadId": stopped["threadId"]})
        stopped = await client.event("stopped", reason="exception")
        await client.request("setExceptionBreakpoints", {"filters": ["signals"]})
        await client.request("continue", {"threadId": stopped["threadId"]})
        after = await counts(target)
        assert min(after) > max(before)
        assert abs(after[0] - after[1]) <= 1
        await client.disconnect()
        await assert_whole(target)


async def test_the_configuration_stops_at_signals_and_keeps_others_away(client: DapClient) -> None:
    async with running("signals") as target:
        await attach(client, target, "signals.c", signals={"USR1": "ignore", "SIGUSR2": "stop"})
        handled = await stop_at_second(client)
        # Chosen by no filter, and still the configuration's wish.
        await client.request("setExceptionBreakpoints", {"filters": []})
        for _ in range(3):
            assert await stop_at_second(client) == handled
        assert client.received("stopped") == ["stopped"] * 4
        await client.disconnect()
        await assert_whole(target)


async def test_fatal_signals_pass_unseen_where_nobody_wants_them(client: DapClient) -> None:
    # Nothing of this kind ends a PID 1.
    async with running("signals", "segv", init=True) as target:
        await attach(client, target, "signals.c", process="^/signals ")
        await client.request("setExceptionBreakpoints", {"filters": []})
        target.trigger()
        await client.event("exited")
        assert client.received("stopped") == []


async def test_a_wrong_signal_is_refused_before_anything_else(client: DapClient) -> None:
    async with running("signals") as target:
        with pytest.raises(Exception, match="signals"):
            await attach(client, target, "signals.c", signals={"SIGINT": "pass"})
        await target.assert_runs_on()
