"""Many MI commands as one: who gets which answer, and what happens with a debugger that has no such command."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from support.fake_debugger import Answers, FakeDebugger

from dapbridge.engines.mi.debugger import MAX_BATCH, MIN_BATCH, Answer, Debugger
from dapbridge.errors import EngineError
from dapbridge.mi.commands import command, quote


@asynccontextmanager
async def connected(answers: Answers) -> AsyncIterator[tuple[Debugger, FakeDebugger]]:
    fake = FakeDebugger(answers)
    debugger = Debugger("fake", fake, lambda record: None)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(debugger.run())
        yield debugger, fake
        fake.die()


def one_batch(asked: str) -> str | None:
    """Answer a batch with the place of each command in it; the third one fails."""
    if not asked.startswith("-x-batch"):
        return None
    count = asked.count("-look")
    answers = [{"error": "third"} if place == 2 else {"done": {"place": str(place)}} for place in range(count)]
    return f"^done,json={quote(json.dumps({'answers': answers}))}"


def send(debugger: Debugger, count: int) -> list[Answer]:
    with debugger.batch():
        return [debugger.send(command("look", f'"{number}"')) for number in range(count)]


async def test_each_command_gets_its_own_answer() -> None:
    async with connected(one_batch) as (debugger, fake):
        answers = send(debugger, MIN_BATCH)
        assert (await answers[0], await answers[MIN_BATCH - 1]) == ({"place": "0"}, {"place": str(MIN_BATCH - 1)})
        with pytest.raises(EngineError, match="third"):
            await answers[2]
        assert len(fake.asked) == 1
        assert quote('-look "\\"0\\""') in fake.asked[0]


async def test_few_commands_are_sent_as_they_are_and_very_many_in_parts() -> None:
    async with connected(one_batch) as (debugger, fake):
        await send(debugger, MIN_BATCH - 1)[-1]
        assert len(fake.asked) == MIN_BATCH - 1
        await send(debugger, MAX_BATCH + 1)[-1]
        assert len(fake.asked) == MIN_BATCH - 1 + 2


async def test_a_debugger_without_batches_gets_the_commands_one_by_one() -> None:
    def old(asked: str) -> str | None:
        return '^error,msg="Undefined MI command: x-batch"' if asked.startswith("-x-batch") else '^done,place="0"'

    async with connected(old) as (debugger, fake):
        for _ in range(2):
            answers = send(debugger, MIN_BATCH)
            assert [await each for each in answers] == [{"place": "0"}] * MIN_BATCH
        assert sum(each.startswith("-x-batch") for each in fake.asked) == 1


async def test_what_fails_as_a_whole_fails_each_command() -> None:
    async with connected(lambda asked: '^error,msg="Quit"') as (debugger, _):
        for answer in send(debugger, MIN_BATCH):
            with pytest.raises(EngineError, match="Quit"):
                await answer
