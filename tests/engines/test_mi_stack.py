"""Stacks whatever their depth, asked from a fake debugger, and frames' names."""

import json
import re
from collections.abc import Callable

import pytest
from engines.test_mi_engine import STOPPED, attached, look

from dapbridge.engines.mi.stack import without_parameters
from dapbridge.mi.commands import quote


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("main", "main"),
        ("shop::Item::total", "shop::Item::total"),
        ("std::thread::join()", "std::thread::join"),
        ("std::vector<int (*)(char)>::at(unsigned long) const", "std::vector<int (*)(char)>::at"),
        ("f(int (*)(char), std::function<void ()>)", "f"),
        ("Call::operator()", "Call::operator()"),
        ("Call::operator()(int) const &", "Call::operator()"),
        ("main()::<lambda(int)>::operator()(int) const", "main()::<lambda(int)>::operator()"),
        ("main()::<lambda(int)>", "main()::<lambda(int)>"),
        ("(anonymous namespace)::run", "(anonymous namespace)::run"),
        ("(anonymous namespace)::run(int)", "(anonymous namespace)::run"),
        ("core::ops::function::FnOnce::call_once<fn(), ()>", "core::ops::function::FnOnce::call_once<fn(), ()>"),
        ("<f(int)>::(int)", "<f(int)>::(int)"),
        ("a)", "a)"),
        ("()", "()"),
        ("", ""),
    ],
)
def test_a_function_is_named_without_its_parameters(name: str, short: str) -> None:
    assert without_parameters(name) == short


def stack_of(depth: int) -> Callable[[str], str | None]:
    """Return a debugger whose stacks have `depth` frames, and which has no batches."""

    def answer(command: str) -> str | None:
        if command.startswith("-x-batch"):
            return '^error,msg="Undefined MI command: x-batch"'
        numbers = [int(each) for each in re.findall(r" (\d+)(?= |$)", command.replace("--thread 1", ""))]
        if command.startswith("-stack-info-depth"):
            return f'^done,depth="{min(depth, numbers[0])}"'
        if not command.startswith("-x-frames"):
            return look(command)
        low, high = numbers
        rows = [[1, 0, None, 0, None]] * len(range(low, min(high + 1, depth)))
        return f"^done,json={quote(json.dumps({'low': low, 'rows': rows, 'texts': ['f']}))}"

    return answer


@pytest.mark.parametrize("depth", [1, 19, 20, 21, 39, 40, 41, 420, 421, 1000])
@pytest.mark.parametrize("levels", [0, 1, 20, 21, 100, 419, 420, 421, 5000])
async def test_a_stack_is_whole_however_it_is_paged(depth: int, levels: int) -> None:
    async with attached(stack_of(depth)) as rig:
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        ids: list[int] = []
        while True:
            answer = await rig.request("stackTrace", threadId=1, startFrame=len(ids), levels=levels)
            assert answer.body is not None
            ids += [each["id"] for each in answer.body["stackFrames"]]
            if len(ids) >= answer.body["totalFrames"]:
                break
            assert not levels or len(answer.body["stackFrames"]) in (levels, 0) or len(ids) == depth
        assert len(set(ids)) == len(ids) == depth == answer.body["totalFrames"]
        behind = await rig.request("stackTrace", threadId=1, startFrame=depth + 50, levels=20)
        assert behind.body == {"stackFrames": [], "totalFrames": depth}


async def test_a_runaway_recursion_comes_in_parts() -> None:
    async with attached(stack_of(170_000)) as rig:
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        body = (await rig.request("stackTrace", threadId=1)).body
        assert body is not None
        assert (len(body["stackFrames"]), body["totalFrames"]) == (20_000, 20_001)
        body = (await rig.request("stackTrace", threadId=1, startFrame=169_990, levels=100)).body
        assert body is not None
        assert (len(body["stackFrames"]), body["totalFrames"]) == (10, 170_000)


async def test_what_is_no_page_is_answered_all_the_same() -> None:
    async with attached(stack_of(30)) as rig:
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        body = (await rig.request("stackTrace", threadId=1, startFrame=-5, levels=-5)).body
        assert body is not None
        assert (len(body["stackFrames"]), body["totalFrames"]) == (30, 30)
