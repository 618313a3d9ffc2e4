"""The MI engine as transcripts: memory, modules and sources where the debugger knows less, or says what is not so."""

import json
from base64 import b64decode

from support.fake_debugger import Answers
from support.mi_rig import attached, look

LIBRARY = (
    '{id="/lib/a.so",target-name="/lib/a.so",host-name="/root/lib/a.so",symbols-loaded="1",'
    'thread-group="i1",ranges=[{from="0x2000",to="0x2fff"}]}'
)


def said(payload: object) -> str:
    """Return the answer of a command of our own."""
    return "^done,json=" + json.dumps(json.dumps(payload))


def answering(**answers: str) -> Answers:
    """Answer commands that begin with a name, written with "_" for "-"; `look` answers the rest."""
    prefixes = {"-" + name.replace("_", "-"): answer for name, answer in answers.items()}

    def answer(command: str) -> str | None:
        return next((each for prefix, each in prefixes.items() if command.startswith(prefix)), None) or look(command)

    return answer


async def test_what_gdb_takes_for_readable_behind_the_last_page_is_cut() -> None:
    # gdb 16 gives a byte too many, with whatever was in its buffer.
    block = '{begin="0x0ffe",offset="0x0",end="0x1001",contents="0102ff"}'
    regions = said({"regions": [{"begin": 0x3000, "end": 0x4000, "permissions": "r--p"}]})
    answers = answering(data_read_memory_bytes=f"^done,memory=[{block}]", x_regions=regions)
    async with attached(answers) as rig:
        body = (await rig.request("readMemory", memoryReference="0xffe", count=0x3000)).body or {}
        assert (b64decode(body["data"]), body["unreadableBytes"]) == (b"\x01\x02", 0x2000)


async def test_memory_that_begins_unreadable_is_not_read_from_later_on() -> None:
    block = '{begin="0x2000",offset="0x1000",end="0x2002",contents="0102"}'
    regions = said({"regions": [{"begin": 0x2000, "end": 0x3000, "permissions": "r--p"}]})
    answers = answering(data_read_memory_bytes=f"^done,memory=[{block}]", x_regions=regions)
    async with attached(answers) as rig:
        body = (await rig.request("readMemory", memoryReference="0x1000", count=0x1002)).body or {}
        assert (body["data"], body["unreadableBytes"]) == ("", 0x1000)


async def test_a_shared_mapping_that_is_read_only_can_not_be_written() -> None:
    regions = said(
        {
            "regions": [
                {"begin": 0x1000, "end": 0x2000, "permissions": "rw-p"},
                {"begin": 0x2000, "end": 0x3000, "permissions": "r--s"},
            ]
        }
    )
    async with attached(answering(x_regions=regions)) as rig:
        refused = await rig.request("writeMemory", memoryReference="0x1ffe", data="AQIDBA==")
        assert refused.message == "nothing was written: memory at 0x2000 can't be"
        assert not any(each.startswith("-data-write") for each in rig.debugger.asked)
        body = (await rig.request("writeMemory", memoryReference="0x1ffe", data="AQIDBA==", allowPartial=True)).body
        assert body == {"offset": 0, "bytesWritten": 2}
        assert "-data-write-memory-bytes 0x1ffe 0102" in rig.debugger.asked


async def test_a_debugger_that_has_no_facts_of_modules_spoils_nothing_but_them() -> None:
    answers = answering(x_modules='^error,msg="Undefined MI command: x-modules",code="undefined-command"')
    async with attached(answers) as rig:
        assert "Undefined MI command" in ((await rig.request("modules")).message or "")
        assert (await rig.request("threads")).success


async def test_modules_that_change_are_told_once() -> None:
    facts = [{"is_read": True, "has_debug_info": True}]

    def answers(command: str) -> str | None:
        if command.startswith("-file-list-shared-libraries"):
            return f"^done,shared-libraries=[{LIBRARY if len(facts) > 1 else ''}]"
        return said({"modules": facts}) if command.startswith("-x-modules") else look(command)

    async with attached(answers) as rig:
        await rig.event("module")
        for reason, library in (
            ("new", {"is_read": False, "has_debug_info": False}),
            ("changed", {"is_read": True, "has_debug_info": True, "begin": 0x1000, "end": 0x3000}),
            ("removed", None),
        ):
            facts[1:] = [library] if library else []
            rig.told.clear()
            rig.debugger.say("=library-loaded," + LIBRARY[1:-1], "=library-loaded," + LIBRARY[1:-1])
            told = await rig.event("module")
            assert (told["reason"], told["module"]["id"]) == (reason, "/lib/a.so")
            listed = (await rig.request("modules")).body or {}
            assert len(listed["modules"]) == len(facts)
            assert rig.names().count("module") == 1


async def test_sources_are_listed_by_a_debugger_without_a_command_of_its_own() -> None:
    files = '{file="a.c",fullname="/src/a.c"},{file="a.c",fullname="/src/a.c"},{file="nowhere.c"}'
    answers = answering(
        x_sources='^error,msg="Undefined MI command: x-sources",code="undefined-command"',
        file_list_exec_source_files=f"^done,files=[{files}]",
    )
    async with attached(answers) as rig:
        body = (await rig.request("loadedSources")).body
        assert body == {"sources": [{"name": "a.c", "path": "/src/a.c"}]}


async def test_a_library_with_thousands_of_sources_makes_no_flood_of_events() -> None:
    paths = ["/src/a.c"]
    facts = [{"is_read": True, "has_debug_info": False}]

    def answers(command: str) -> str | None:
        if command.startswith("-x-sources"):
            return said({"sources": paths})
        return said({"modules": facts}) if command.startswith("-x-modules") else look(command)

    async with attached(answers) as rig:
        await rig.event("module")
        assert (await rig.request("loadedSources")).success
        paths += [f"/src/{number:04}.c" for number in range(5000)]
        facts[0] = {"is_read": True, "has_debug_info": True}
        rig.debugger.say("=library-loaded," + LIBRARY[1:-1])
        await rig.event("loadedSource")
        assert len(((await rig.request("loadedSources")).body or {})["sources"]) == 5001
        assert rig.names().count("loadedSource") == 200
