"""A real VS Code: code-server with our extension as it is packaged, in a headless Chromium, and what a user does there.

async with code_server() as server, browser() as chromium:
    async with workbench(server, chromium, folder) as code:
        await code.run_command("dapbridge: Attach to Container…")
        await code.pick("api")
"""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from signal import SIGTERM
from tempfile import TemporaryDirectory

from playwright.async_api import Browser, Locator, Page, async_playwright, expect

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "vscode-extension"
CODE_SERVER = ROOT / "tests/editors/vscode/node_modules/code-server/out/node/entry.js"
ARTEFACTS = ROOT / "test-artifacts/vscode"
LIMIT_MS = 60_000
CLOSED_WINDOW_S = 3
"""How long the server waits for a window that was closed to come back, before it ends what ran for it."""

_CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_PALETTE_LIMIT_MS = 5_000
_SIZE = {"width": 1280, "height": 800}
_USER_SETTINGS = {
    "chat.disableAIFeatures": True,
    "debug.console.fontSize": 13,
    "debug.openDebug": "openOnDebugBreak",
    "debug.toolBarLocation": "docked",
    "extensions.ignoreRecommendations": True,
    "git.enabled": False,
    "security.workspace.trust.enabled": False,
    "telemetry.telemetryLevel": "off",
    "window.commandCenter": False,
    # A tooltip would catch the next click.
    "workbench.hover.delay": 600_000,
    "workbench.colorTheme": "Default Dark Modern",
    "workbench.reduceMotion": "on",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
}


def find_why_no_vscode() -> str | None:
    """Return why no VS Code can be driven here; None if one can."""
    if not CODE_SERVER.exists():
        return "code-server is not installed: .ci/setup test"
    if _find_chromium() is None:
        return f"no Chromium ({', '.join(_CHROMIUM)}): .ci/setup test"
    return None


def npm_environment() -> dict[str, str]:
    """Return the environment in which npm and node are those of our own virtual environment."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


async def package_extension() -> Path:
    """Build the extension as it is given to users; return its .vsix."""
    command = ("npm", "run", "--silent", "package")
    output = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, cwd=EXTENSION, env=npm_environment(), stdout=output, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return EXTENSION / "dist/dapbridge.vsix"


class CodeServer:
    """A running code-server; it is VS Code's server side, where the extension and the bridge run."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, folder: Path) -> None:
        self.process = process
        self.url = url
        self.folder = folder

    def kill(self) -> None:
        """Kill it and every process of it, as a crash of the machine's session would."""
        os.killpg(self.process.pid, 9)

    def logs(self) -> str:
        """Return what the extension host and the extension have logged."""
        files = sorted((self.folder / "data/logs").rglob("*.log"))
        return "\n".join(f"== {file.name}\n{file.read_text(errors='replace')[-6000:]}" for file in files)


@asynccontextmanager
async def code_server(vsix: Path) -> AsyncIterator[CodeServer]:
    """Run code-server with the extension installed, on a free port of this machine."""
    with TemporaryDirectory(prefix="dapbridge-vscode-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        settings = folder / "data/User/settings.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(_USER_SETTINGS))
        # VS Code takes PATH from a login shell, which may not have ours.
        bridge = folder / ".local/bin/dapbridge"
        bridge.parent.mkdir(parents=True)
        bridge.symlink_to(Path(sys.executable).parent / "dapbridge")
        environment = npm_environment() | {"EXTENSIONS_GALLERY": '{"serviceUrl":""}', "HOME": place}
        common = (
            *("--user-data-dir", str(folder / "data"), "--extensions-dir", str(folder / "extensions")),
            *("--config", str(folder / "config.yaml"), "--auth", "none", "--disable-telemetry"),
            *("--disable-update-check", "--disable-workspace-trust", "--disable-getting-started-override"),
        )
        await _run(environment, *common, "--install-extension", str(vsix))
        grace = ("--reconnection-grace-time", str(CLOSED_WINDOW_S))
        process = await _spawn(environment, *common, *grace, "--bind-addr", "127.0.0.1:0")
        try:
            yield CodeServer(process, await _read_url(process), folder)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, SIGTERM)
            await process.wait()


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Run a headless Chromium."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=_find_chromium(), args=["--no-sandbox"])
        try:
            yield chromium
        finally:
            await chromium.close()


@asynccontextmanager
async def workbench(server: CodeServer, chromium: Browser, folder: Path) -> AsyncIterator["Workbench"]:
    """Open a folder in a window of its own. On failure a picture of the window and the logs are kept and printed."""
    context = await chromium.new_context(viewport=_SIZE)
    try:
        page = await context.new_page()
        page.set_default_timeout(LIMIT_MS)
        await page.goto(f"{server.url}?folder={folder}")
        code = Workbench(page)
        try:
            await expect(page.locator(".monaco-workbench")).to_be_visible(timeout=LIMIT_MS)
            await expect(code.sidebar).to_contain_text(folder.name, timeout=LIMIT_MS, ignore_case=True)
            yield code
        except BaseException:
            with suppress(Exception):
                await code.screenshot(f"failed-{folder.parent.name}")
            print(server.logs())  # noqa: T201 - pytest shows it with the failure
            raise
    finally:
        await context.close()


class Workbench:
    """A window of VS Code, with its parts as a user knows them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sidebar = page.locator(".part.sidebar")
        self.status_bar = page.locator(".part.statusbar")
        self.call_stack = page.locator(".debug-call-stack")
        self.variables = page.locator(".debug-variables")
        self.attached = page.locator('.statusbar-item[id*="dapbridge.sessions"]')
        self.stopped_line = page.locator(".debug-top-stack-frame-line").first
        self.breakpoint = page.locator(".codicon-debug-breakpoint, .codicon-debug-breakpoint-unverified").first
        self.notifications = page.locator(".notification-list-item")
        self.dialog = page.locator(".monaco-dialog-box")
        self._quick_input = page.locator(".quick-input-widget")

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, e.g. "F10"."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def run_command(self, title: str) -> None:
        """Run a command by its title in the command palette."""
        row = self._quick_input.locator(".monaco-list-row", has_text=title).first
        # Of a window that has just been opened, the commands of extensions come later.
        async with asyncio.timeout(LIMIT_MS / 1000):
            while True:
                await self.press("F1")
                await self._quick_input.locator("input[type=text]").fill(f">{title}")
                try:
                    await expect(row).to_be_visible(timeout=_PALETTE_LIMIT_MS)
                except AssertionError:
                    await self.press("Escape")
                else:
                    break
        await row.click()

    async def open_file(self, name: str, line: int) -> None:
        """Open a file of the folder at a line, with the cursor there."""
        await self.press("Control+p")
        await self._quick_input.locator("input[type=text]").fill(f"{name}:{line}")
        await self.pick(name, type_it=False)
        await self.expect_status(f"Ln {line},")
        await expect(self.page.locator(".editor-instance .monaco-editor.focused")).to_be_visible(timeout=LIMIT_MS)

    async def rows(self, text: str, *, type_it: bool = True) -> Locator:
        """Return the rows of the open list that have a text, once there is one; typed, it brings them into view."""
        await expect(self._quick_input).to_be_visible(timeout=LIMIT_MS)
        rows = self._quick_input.locator(".monaco-list-row", has_text=text)
        if type_it:
            # Of a list that is still being made, the text is taken too.
            await self._quick_input.locator("input[type=text]").fill(text)
        await expect(rows.first).to_be_visible(timeout=LIMIT_MS)
        return rows

    async def pick(self, text: str, *, type_it: bool = True) -> None:
        """Pick the row of the open list that has a text."""
        await (await self.rows(text, type_it=type_it)).first.click()

    async def type_answer(self, title: str, text: str) -> None:
        """Type an answer into the open question with that title."""
        await expect(self._quick_input).to_contain_text(title, timeout=LIMIT_MS)
        await self._quick_input.locator("input[type=text]").fill(text)
        await self.press("Enter")

    async def answer(self, notification: str | re.Pattern[str], button: str) -> None:
        """Press a button of the notification that has a text."""
        shown = self.notifications.filter(has_text=notification).first
        await expect(shown).to_be_visible(timeout=LIMIT_MS)
        await shown.locator(".monaco-button", has_text=button).click()

    async def expect_attached(self, text: str | re.Pattern[str]) -> None:
        """Wait until the extension's own item of the status bar has a text."""
        await expect(self.attached).to_contain_text(text, timeout=LIMIT_MS)

    async def disconnect(self) -> None:
        """End the session, and wait until it has ended."""
        await self.press("Shift+F5")
        await expect(self.attached).to_be_hidden(timeout=LIMIT_MS)

    async def expect_status(self, text: str | re.Pattern[str]) -> None:
        """Wait until the status bar has a text."""
        await expect(self.status_bar).to_contain_text(text, timeout=LIMIT_MS)

    async def expect_stop(self, function: str, line: int) -> None:
        """Wait until the top frame of the stopped thread is that function at that line, and its source is shown."""
        top = self.call_stack.locator(".monaco-list-row", has=self.page.locator(".stack-frame")).first
        label = re.compile(rf"^Stack Frame {function}, line {line}, ")
        await expect(top).to_have_attribute("aria-label", label, timeout=LIMIT_MS)
        await expect(self.stopped_line).to_be_visible(timeout=LIMIT_MS)
        await self.expect_status(f"Ln {line},")

    async def open_scope(self, name: str) -> None:
        """Open a scope of the variables view; VS Code opens the first one by itself, but not always."""
        row = self.variables.locator(".monaco-list-row", has_text=name).first
        await expect(row).to_be_visible(timeout=LIMIT_MS)
        if await row.get_attribute("aria-expanded") != "true":
            await row.click()

    async def screenshot(self, name: str) -> Path:
        """Keep a picture of the window."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        file = ARTEFACTS / f"{name}.png"
        # Out of the way: what is under the pointer would show a tooltip.
        await self.page.mouse.move(_SIZE["width"] - 1, 1)
        await self.page.screenshot(path=file, animations="disabled")
        return file


def _find_chromium() -> str | None:
    return next((found for name in _CHROMIUM if (found := shutil.which(name))), None)


async def _spawn(environment: dict[str, str], *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *("node", str(CODE_SERVER), *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )


async def _run(environment: dict[str, str], *arguments: str) -> None:
    process = await _spawn(environment, *arguments)
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


async def _read_url(process: asyncio.subprocess.Process) -> str:
    assert process.stdout
    said = []
    async with asyncio.timeout(LIMIT_MS / 1000):
        async for line in process.stdout:
            said.append(line.decode())
            if found := re.search(r"listening on (http://\S+)", said[-1]):
                return found[1]
    raise AssertionError(f"code-server has ended: {''.join(said)}")
