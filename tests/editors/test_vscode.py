"""The extension in a real VS Code: code-server in a headless Chromium, real containers, a real gdb."""

import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from signal import SIGKILL

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from support import procfs
from support.marks import PROGRAMS, mark
from support.serving import assert_whole
from support.targets import DockerTarget, running
from support.vscode import (
    LIMIT_MS,
    CodeServer,
    Workbench,
    browser,
    code_server,
    find_why_no_vscode,
    package_extension,
    workbench,
)

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.docker,
    pytest.mark.timeout(300),
    pytest.mark.skipif(find_why_no_vscode() is not None, reason=find_why_no_vscode() or ""),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[CodeServer]:
    async with code_server(await package_extension()) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with browser() as started:
        yield started


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the source of `spin`, which was built elsewhere."""
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src/spin.c").write_text((PROGRAMS / "spin.c").read_text())
    return folder


def write_launch(project: Path, target: DockerTarget, text: str) -> Path:
    """Write a launch.json with one configuration; `text`: its own attributes, TARGET in it stands for the target."""
    launch = project / ".vscode/launch.json"
    launch.parent.mkdir(exist_ok=True)
    configuration = f'"name": "spin", "type": "dapbridge", "request": "attach", {text}'.replace("TARGET", target.uri)
    launch.write_text(f'{{\n  "configurations": [\n    // by hand\n    {{ {configuration} }}\n  ]\n}}\n')
    return launch


async def set_breakpoint(code: Workbench, name: str) -> int:
    """Set a breakpoint at a mark of spin.c; return its line."""
    line = mark("spin.c", name)
    await code.open_file("spin.c", line)
    await code.press("F9")
    await expect(code.breakpoint).to_be_visible(timeout=LIMIT_MS)
    return line


async def stop_at_work(code: Workbench, project: Path, target: DockerTarget) -> None:
    """Attach by a launch.json and stop."""
    write_launch(project, target, '"target": "TARGET"')
    line = await set_breakpoint(code, "work")
    await code.run_command("Debug: Start Debugging")
    await code.expect_stop("work", line)


async def test_pick_a_container_and_debug_it(server: CodeServer, chromium: Browser, project: Path) -> None:
    async with running("spin") as target, workbench(server, chromium, project) as code:
        line = await set_breakpoint(code, "work")
        await code.run_command("dapbridge: Attach to Container…")
        await expect((await code.rows(target.name)).first).to_contain_text("C · debug info · /spin")
        await code.screenshot("1-pick")
        await code.pick(target.name)
        await code.expect_stop("work", line)
        await code.open_scope("Locals")
        # The first rows: what is out of view is not in the page.
        await expect(code.variables).to_contain_text(re.compile(r"home =\s*\{x = 3, y = 4\}"), timeout=LIMIT_MS)
        await code.expect_attached(re.compile(rf"{target.name} \(C\): target frozen for \d+ s"))
        await code.screenshot("2-stopped")
        await code.press("F10")
        await code.expect_stop("work", mark("spin.c", "work-next"))
        await code.screenshot("3-stepped")
        await code.disconnect()
        await expect(code.stopped_line).to_be_hidden(timeout=LIMIT_MS)
        await assert_whole(target)


async def test_running_containers_are_in_the_drop_down(server: CodeServer, chromium: Browser, project: Path) -> None:
    async with running("spin") as target, workbench(server, chromium, project) as code:
        await code.run_command("Debug: Select and Start Debugging")
        await code.pick("dapbridge: Attach to Container", type_it=False)
        await expect(await code.rows(target.name)).to_have_count(1)
        await code.screenshot("drop-down")
        await code.pick(f"{target.name} (C)")
        await code.expect_attached(f"{target.name} (C)")
        await code.disconnect()
        await assert_whole(target)


async def test_variables_of_launch_json_ask_and_remember(server: CodeServer, chromium: Browser, project: Path) -> None:
    async with running("pair") as target, workbench(server, chromium, project) as code:
        # process first: VS Code asks in the order of the attributes, and the target must be asked for once only.
        process, picked = "${command:dapbridge.pickProcess}", "${command:dapbridge.pickTarget}"
        write_launch(project, target, f'"process": "{process}", "target": "{picked}"')
        for again in (False, True):
            await code.run_command("Debug: Start Debugging")
            if again:
                last = await code.rows("last time", type_it=False)
                await expect(last).to_have_attribute("data-index", "0")
                await expect(last).to_contain_text(target.name)
            await code.pick(target.name)
            child = await code.rows("/pair child", type_it=False)
            await expect(child).to_have_attribute("data-index", "0" if again else "1")
            await code.screenshot("process")
            await child.click()
            await code.expect_attached("spin")
            await code.disconnect()
        await assert_whole(target)


async def test_missing_rule_is_offered_and_written(server: CodeServer, chromium: Browser, project: Path) -> None:
    async with running("spin") as target, workbench(server, chromium, project) as code:
        rules = '[{ "from": "/elsewhere", "to": "/nowhere" }]'
        launch = write_launch(project, target, f'"target": "TARGET", "substitutePath": {rules} // mine\n')
        line = await set_breakpoint(code, "work")
        await code.run_command("Debug: Start Debugging")
        await code.answer("spin.c lies elsewhere", "Add Rule and Attach Again")
        await code.expect_stop("work", line)
        text = launch.read_text()
        assert "// by hand" in text
        assert "// mine" in text
        without_comments = re.sub(r"//.*", "", text.replace("docker://", "docker:"))
        (configuration,) = json.loads(without_comments)["configurations"]
        rule = {"from": "${workspaceFolder}", "to": "/build"}
        assert configuration["substitutePath"] == [rule, {"from": "/elsewhere", "to": "/nowhere"}]
        await code.disconnect()
        await assert_whole(target)


async def test_failure_shows_its_cause_and_remedies(server: CodeServer, chromium: Browser, project: Path) -> None:
    async with running("spin") as target, workbench(server, chromium, project) as code:
        write_launch(project, target, f'"target": "{target.name}x"')
        line = await set_breakpoint(code, "work")
        await code.run_command("Debug: Start Debugging")
        cause = f"no container named '{target.name}x'"
        await expect(code.notifications.filter(has_text=cause)).to_be_visible(timeout=LIMIT_MS)
        await expect(code.dialog).to_have_count(0)
        await code.screenshot("failure")
        await code.answer(cause, "Pick Another Container…")
        await code.pick(target.name)
        await code.expect_stop("work", line)
        await code.disconnect()
        await assert_whole(target)


async def test_bridge_that_is_missing_is_offered(server: CodeServer, chromium: Browser, project: Path) -> None:
    # A stand-in for uvx, which is offered where it is there; it is not run, for then another dapbridge is found.
    uvx = server.folder / ".local/bin/uvx"
    uvx.write_text("#!/bin/sh\nexit 1\n")
    uvx.chmod(0o755)
    settings = project / ".vscode/settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"dapbridge.command": ["/nowhere/dapbridge"], "dapbridge.package": ""}))
    async with workbench(server, chromium, project) as code:
        await code.run_command("dapbridge: Attach to Container…")
        cause = "/nowhere/dapbridge (from the setting dapbridge.command) does not run as dapbridge"
        await code.answer(cause, "Open Log")
        log = code.page.locator(".part.panel")
        await expect(log).to_contain_text("there is no /nowhere/dapbridge", timeout=LIMIT_MS)
        await code.run_command("dapbridge: Attach to Container…")
        await expect(code.notifications.filter(has_text=cause)).to_be_visible(timeout=LIMIT_MS)
        await code.screenshot("missing")
        await code.answer(cause, "Install…")
        await code.type_answer("Where dapbridge is to be taken from", "/home/me/dapbridge")
        await code.pick("Run with uvx", type_it=False)
        # With a dapbridge, what was asked for goes on.
        await code.rows("A process of this machine…", type_it=False)
        assert json.loads(settings.read_text()) == {"dapbridge.command": [], "dapbridge.package": "/home/me/dapbridge"}


async def test_wire_log_and_sidecars_are_shown(server: CodeServer, chromium: Browser, project: Path) -> None:
    settings = project / ".vscode/settings.json"
    settings.parent.mkdir()
    settings.write_text('{"dapbridge.wireLog": false}')
    async with running("spin") as target, workbench(server, chromium, project) as code:
        write_launch(project, target, '"target": "TARGET"')
        await code.run_command("dapbridge: Turn the Wire Log On or Off")
        await expect(code.notifications.filter(has_text="the wire log is on")).to_be_visible(timeout=LIMIT_MS)
        assert json.loads(settings.read_text()) == {"dapbridge.wireLog": True}
        await code.run_command("Debug: Start Debugging")
        await code.expect_attached("spin")
        await code.run_command("dapbridge: Show Log")
        await expect(code.page.locator(".part.panel .view-lines")).to_contain_text(
            "dapbridge.wire.client: client", timeout=LIMIT_MS
        )
        await code.screenshot("log")
        await code.run_command("dapbridge: Clean Up Sidecars")
        left = code.notifications.filter(has_text=re.compile(rf"target '{target.name}'\): left alone"))
        await expect(left.locator(".monaco-button", has_text="End Them Too…")).to_be_visible(timeout=LIMIT_MS)
        await code.disconnect()
        await assert_whole(target)


async def test_bridge_that_is_killed_ends_the_session(server: CodeServer, chromium: Browser, project: Path) -> None:
    async with running("spin") as target, workbench(server, chromium, project) as code:
        await stop_at_work(code, project, target)
        command = f"{server.folder}/.local/bin/dapbridge serve"
        (bridge,) = [pid for pid in procfs.pids() if command in " ".join(procfs.command(pid))]
        os.kill(bridge, SIGKILL)
        await expect(code.attached).to_be_hidden(timeout=LIMIT_MS)
        console = code.page.locator(".part.panel")
        await expect(console).to_contain_text("dapbridge has ended unexpectedly (SIGKILL)", timeout=LIMIT_MS)
        await assert_whole(target)


async def test_closed_window_lets_go(server: CodeServer, chromium: Browser, project: Path) -> None:
    async with running("spin") as target:
        async with workbench(server, chromium, project) as code:
            await stop_at_work(code, project, target)
        # The server waits a little for the window to come back.
        await target.wait_until_alone(LIMIT_MS / 1000)
        await assert_whole(target)


async def test_target_runs_on_when_vscode_is_killed(server: CodeServer, chromium: Browser, project: Path) -> None:
    # The last one of this module: it ends the server.
    async with running("spin") as target, workbench(server, chromium, project) as code:
        await stop_at_work(code, project, target)
        server.kill()
        await assert_whole(target)
