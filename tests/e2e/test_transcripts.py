"""Sessions as real editors have gone through them, said again message by message (`support.transcripts`)."""

import pytest
from support.serving import assert_whole, serving
from support.targets import running
from support.transcripts import TRANSCRIPTS, Replay

pytestmark = [pytest.mark.docker, pytest.mark.root]

EDITORS = sorted(file.stem for file in TRANSCRIPTS.glob("*.jsonl"))


@pytest.mark.parametrize("editor", EDITORS)
async def test_a_session_as_an_editor_goes_through_it(editor: str) -> None:
    async with running("spin") as target:
        async with serving() as client:
            replay = Replay(editor, client, target.name)
            await replay.run()
            sent = [line["client"]["command"] for line in replay.lines if "client" in line]
            assert {"setBreakpoints", "stackTrace", "variables", "next", "evaluate", "disconnect"} <= set(sent)
        await assert_whole(target)


async def test_an_editor_that_is_gone_at_the_first_stop() -> None:
    async with running("spin") as target:
        async with serving() as client:
            await Replay("helix", client, target.name).run(until_event="stopped")
        await assert_whole(target)
