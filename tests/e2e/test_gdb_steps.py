"""gdb: steps of each kind, where they end, and which threads run meanwhile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.dap_client import DapClient
from support.looking import frames, opened, place, references
from support.marks import mark
from support.serving import attach, client_path
from support.stepping import address, step, stop_of
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker

STEPS = "steps.cpp"


def line(name: str) -> int:
    return mark(STEPS, name)


@asynccontextmanager
async def stopped_at(
    client: DapClient, *marks: str, program: str = "steps", **arguments: Any
) -> AsyncIterator[tuple[DockerTarget, int]]:
    """Stop at the first mark, with no breakpoint left but at the others; at the end all must be let go."""
    async with running(program) as target:
        await attach(client, target, STEPS, marks[0], **arguments)
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        await client.set_breakpoints(client_path(STEPS), *[line(each) for each in marks[1:]])
        yield target, thread
        await client.disconnect()
        await target.assert_let_go()
        await target.assert_runs_on()


@pytest.mark.shows("next", "stepIn", "stepOut")
async def test_steps_go_over_into_and_out_of_calls(client: DapClient) -> None:
    async with stopped_at(client, "nested") as (_, thread):
        # Which argument is evaluated first is the compiler's choice.
        arguments = {("first", line("first")), ("second", line("second"))}
        for _ in range(2):
            inside = await step(client, "stepIn", thread)
            assert inside in arguments
            arguments.remove(inside)
            assert (await step(client, "stepOut", thread)) == ("calls", line("nested"))
        assert await step(client, "stepIn", thread) == ("combine", line("combine"))
        assert await step(client, "next", thread) == ("combine", line("combine") + 1)
        assert (await step(client, "stepOut", thread)) == ("calls", line("nested"))
        assert await step(client, "next", thread) == ("calls", line("indirect"))


@pytest.mark.parametrize("granularity", ["line", "statement"])
async def test_a_line_or_statement_is_stepped_over_as_a_whole(client: DapClient, granularity: str) -> None:
    async with stopped_at(client, "nested") as (_, thread):
        assert await step(client, "next", thread, granularity=granularity) == ("calls", line("indirect"))
        assert (await step(client, "stepIn", thread, granularity=granularity))[0] == "second"


@pytest.mark.shows("supportsSteppingGranularity")
async def test_an_instruction_is_stepped_over_and_into(client: DapClient) -> None:
    async with stopped_at(client, "nested") as (_, thread):
        seen = [await address(client, thread)]
        while (await place(client, thread))[0] == "calls":
            await step(client, "stepIn", thread, granularity="instruction")
            seen.append(await address(client, thread))
        assert len(seen) == len(set(seen)) > 2
        assert (await place(client, thread))[0] in ("first", "second")
        # The call itself is one instruction to go over.
        await step(client, "stepOut", thread, granularity="instruction")
        for _ in range(100):
            function, _line = await step(client, "next", thread, granularity="instruction")
            assert function == "calls"
            if _line != line("nested"):
                break
        assert _line == line("indirect")


async def test_granularity_sent_with_continue_is_no_error(client: DapClient) -> None:
    async with stopped_at(client, "nested", "calls-end") as (_, thread):
        client.validate = False
        stopped = await stop_of(client, "continue", thread, granularity="line")
        assert stopped["reason"] == "breakpoint"


async def test_inlined_functions_are_stepped_over_into_and_out_of(client: DapClient) -> None:
    async with stopped_at(client, "before-inline", "before-inline") as (_, thread):
        assert await step(client, "next", thread) == ("inlines", line("inline"))
        assert await step(client, "next", thread) == ("inlines", line("after-inline"))
        await stop_of(client, "continue", thread)
        assert await step(client, "stepIn", thread) == ("inlines", line("inline"))
        assert await step(client, "stepIn", thread) == ("squared", line("squared"))
        names = [frame["name"] for frame in await frames(client, thread)]
        assert names == ["squared", "inlines", "main"]
        assert await step(client, "stepOut", thread) == ("inlines", line("inline"))


async def test_an_inlined_function_of_optimised_code_is_stepped_out_of(client: DapClient) -> None:
    async with stopped_at(client, "squared", program="steps_fast") as (_, thread):
        assert [frame["name"] for frame in await frames(client, thread)] == ["squared", "inlines", "main"]
        assert (await step(client, "stepOut", thread))[0] == "inlines"


async def test_a_step_over_a_breakpoint_ends_there(client: DapClient) -> None:
    async with stopped_at(client, "nested", "second") as (_, thread):
        stopped = await stop_of(client, "next", thread)
        assert stopped["reason"] == "breakpoint"
        assert await place(client, thread) == ("second", line("second"))
        # From a breakpoint a step goes on as from anywhere.
        assert (await step(client, "next", thread))[0] == "second"


async def test_other_threads_run_during_a_step(client: DapClient) -> None:
    async with stopped_at(client, "hand-over") as (_, thread):
        assert await step(client, "next", thread) == ("events", line("handed-over"))


async def test_a_signal_on_the_way_is_stepped_over(client: DapClient) -> None:
    async with stopped_at(client, "signal") as (_, thread):
        assert await step(client, "next", thread) == ("events", line("signalled"))


async def test_the_end_of_a_thread_during_its_step_freezes_nothing(client: DapClient) -> None:
    async with stopped_at(client, "thread-end", "events-end") as (_, thread):
        for _ in range(10):
            stopped = await stop_of(client, "next", thread)
            if stopped["threadId"] != thread:
                break
            assert stopped["reason"] == "step"
        await client.output("has ended while")
        if stopped["reason"] == "step":
            # It depends on the moment whether gdb lets the others go on.
            stopped = await stop_of(client, "continue", stopped["threadId"])
        assert stopped["reason"] == "breakpoint"
        assert await place(client, stopped["threadId"]) == ("events", line("events-end"))


async def test_the_outermost_function_has_nothing_to_step_out_to(client: DapClient) -> None:
    async with stopped_at(client, "report") as (_, thread):
        bottom = (await frames(client, thread))[-1]
        assert bottom["name"] == "main"
        assert "outermost function" in str(await client.refused("stepOut", {"threadId": thread}))
        assert await place(client, thread) == ("main", line("report"))


async def test_a_step_in_code_without_lines_ends_in_code_with_lines(client: DapClient) -> None:
    async with stopped_at(client, "library", "calls-end") as (_, thread):
        for _ in range(200):
            await step(client, "stepIn", thread, granularity="instruction")
            (top,) = await frames(client, thread, levels=1)
            if "source" not in top:
                break
        assert "source" not in top
        for _ in range(20):
            if (await place(client, thread))[0] == "calls":
                break
            assert (await stop_of(client, "next", thread))["reason"] in ("step", "breakpoint")
        assert (await place(client, thread))[0] == "calls"


async def test_a_step_out_brings_the_value_returned(client: DapClient) -> None:
    async with stopped_at(client, "first") as (_, thread):
        (top,) = await frames(client, thread, levels=1)
        value = int((await client.request("evaluate", {"expression": "value", "frameId": top["id"]}))["result"])
        await step(client, "stepOut", thread)
        (top,) = await frames(client, thread, levels=1)
        locals_ = await opened(client, (await references(client, top["id"]))["Locals"])
        # As the debugger itself calls it.
        name = locals_["(return value)"]["evaluateName"]
        returned = await client.request("evaluate", {"expression": name, "frameId": top["id"]})
        assert returned["result"] == locals_["(return value)"]["value"] == str(value + 1)


# One thread alone


async def setting(client: DapClient) -> str:
    arguments = {"expression": "`show scheduler-locking", "context": "repl"}
    return str((await client.request("evaluate", arguments))["result"])


async def test_one_thread_steps_alone_and_the_others_go_on_with_the_next_step(client: DapClient) -> None:
    async with stopped_at(client, "nested") as (_, thread):
        before = await setting(client)
        assert await step(client, "next", thread, singleThread=True) == ("calls", line("indirect"))
        assert await setting(client) == before
        assert await step(client, "stepIn", thread, singleThread=True) == ("second", line("second"))
        assert (await step(client, "stepOut", thread, singleThread=True))[0] == "calls"
        assert await setting(client) == before


async def test_a_step_of_one_thread_that_waits_for_another_can_be_paused(client: DapClient) -> None:
    async with stopped_at(client, "hand-over", "handed-over") as (_, thread):
        before = await setting(client)
        await client.request("next", {"threadId": thread, "singleThread": True})
        # It waits for the helper for ever; whatever may be asked now is answered.
        assert str(await client.refused("stackTrace", {"threadId": thread})).endswith("notStopped")
        await client.request("pause", {"threadId": thread})
        stopped = await client.event("stopped")
        assert (stopped["reason"], stopped["allThreadsStopped"]) == ("pause", True)
        assert await setting(client) == before
        stopped = await stop_of(client, "continue", thread)
        assert stopped["reason"] == "breakpoint"
        assert await place(client, thread) == ("events", line("handed-over"))


@pytest.mark.shows("supportsSingleThreadExecutionRequests", "continue")
async def test_one_thread_continues_alone(client: DapClient) -> None:
    async with stopped_at(client, "nested", "calls-end", "hand-over") as (_, thread):
        body = await client.request("continue", {"threadId": thread, "singleThread": True})
        assert body["allThreadsContinued"] is False
        await client.event("stopped", reason="breakpoint")
        body = await client.request("continue", {"threadId": thread})
        assert body["allThreadsContinued"] is True
        await client.event("stopped", reason="breakpoint")


async def test_the_end_of_a_thread_that_runs_alone_stops_the_others(client: DapClient) -> None:
    async with stopped_at(client, "thread-end") as (target, thread):
        await client.request("continue", {"threadId": thread, "singleThread": True})
        await client.output("has ended while")
        stopped = await client.event("stopped")
        assert stopped["threadId"] != thread
        assert await frames(client, stopped["threadId"])
        await client.request("continue", {"threadId": stopped["threadId"]})
        await target.assert_runs_on()


async def test_a_failed_request_for_one_thread_leaves_no_lock(client: DapClient) -> None:
    async with stopped_at(client, "report") as (_, thread):
        before = await setting(client)
        await client.refused("stepOut", {"threadId": thread, "singleThread": True})
        assert await setting(client) == before


async def test_a_detach_lets_all_threads_go_on_while_one_runs_alone(client: DapClient) -> None:
    async with stopped_at(client, "hand-over") as (_, thread):
        await client.request("next", {"threadId": thread, "singleThread": True})


async def test_max_pause_counts_for_threads_that_stand_while_one_runs(client: DapClient) -> None:
    async with running("steps") as target:
        await attach(client, target, STEPS, "hand-over", maxPause=1.5)
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        await client.set_breakpoints(client_path(STEPS))
        await client.request("next", {"threadId": thread, "singleThread": True})
        await client.output("maxPause")
        await target.assert_runs_on()
        await client.disconnect()
        await target.assert_let_go()


# Into a chosen call


async def calls(client: DapClient, thread: int) -> dict[str, int]:
    (top,) = await frames(client, thread, levels=1)
    targets = (await client.request("stepInTargets", {"frameId": top["id"]}))["targets"]
    return {target["label"]: target["id"] for target in targets}


async def test_a_step_goes_into_the_chosen_call(client: DapClient) -> None:
    async with stopped_at(client, "nested") as (_, thread):
        found = await calls(client, thread)
        # Which argument is evaluated first is the compiler's choice.
        assert sorted(found) == ["combine(int, int)", "first(int)", "second(int)"]
        assert list(found)[-1] == "combine(int, int)"
        assert await step(client, "stepIn", thread, targetId=found["combine(int, int)"]) == ("combine", line("combine"))
        assert "combine(int, int)" not in await calls(client, thread)


@pytest.mark.shows("stepInTargets", "supportsStepInTargetsRequest")
async def test_the_second_call_of_one_function_can_be_chosen(client: DapClient) -> None:
    async with stopped_at(client, "twice") as (_, thread):
        found = await calls(client, thread)
        assert list(found) == ["second(int)", "second(int) (call 2)"]
        (top,) = await frames(client, thread, levels=1)
        round_ = int((await client.request("evaluate", {"expression": "round", "frameId": top["id"]}))["result"])
        assert (await step(client, "stepIn", thread, targetId=found["second(int) (call 2)"]))[0] == "second"
        (top,) = await frames(client, thread, levels=1)
        value = await client.request("evaluate", {"expression": "value", "frameId": top["id"]})
        assert int(value["result"]) == round_ * 2


async def test_an_indirect_call_can_be_chosen(client: DapClient) -> None:
    async with stopped_at(client, "indirect") as (_, thread):
        ((label, target),) = (await calls(client, thread)).items()
        assert "indirect" in label
        assert await step(client, "stepIn", thread, targetId=target) == ("second", line("second"))


async def test_a_call_without_debug_info_is_refused(client: DapClient) -> None:
    async with stopped_at(client, "library") as (_, thread):
        ((label, target),) = (await calls(client, thread)).items()
        assert "strtol" in label
        refused = await client.refused("stepIn", {"threadId": thread, "targetId": target})
        assert "no debug info" in str(refused)
        assert await place(client, thread) == ("calls", line("library"))
        await step(client, "stepIn", thread, targetId=target, granularity="instruction")
        assert (await place(client, thread))[0] != "calls"


async def test_a_breakpoint_on_the_way_to_the_chosen_call_stops(client: DapClient) -> None:
    async with stopped_at(client, "nested", "first") as (_, thread):
        found = await calls(client, thread)
        stopped = await stop_of(client, "stepIn", thread, targetId=found["combine(int, int)"])
        assert stopped["reason"] == "breakpoint"
        assert await place(client, thread) == ("first", line("first"))


async def test_targets_are_void_after_the_target_has_moved(client: DapClient) -> None:
    async with stopped_at(client, "nested") as (_, thread):
        found = await calls(client, thread)
        await step(client, "next", thread)
        for target in (*found.values(), 999_999):
            await client.refused("stepIn", {"threadId": thread, "targetId": target})
        (_, caller, *_) = await frames(client, thread)
        assert (await client.request("stepInTargets", {"frameId": caller["id"]}))["targets"] == []


async def test_threads_cannot_be_ended(client: DapClient) -> None:
    async with stopped_at(client, "nested") as (_, thread):
        assert "supportsTerminateThreadsRequest" not in client.capabilities
        assert "such as locks" in str(await client.refused("terminateThreads", {"threadIds": [thread]}))
