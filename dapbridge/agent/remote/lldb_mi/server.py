"""The server's one loop: commands from stdin and LLDB's events, each in its turn."""

from __future__ import annotations

import queue
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from dapbridge.agent.remote.lldb_mi.commands import Command, Commands
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.parsing import parse_command, take_option
from dapbridge.agent.remote.lldb_mi.session import Session

_IDLE_S = 0.03


class Server:
    """Runs commands until stdin ends or `-gdb-exit`."""

    def __init__(self, session: Session, commands: Commands, input_: Any) -> None:
        self._session = session
        self._commands = commands
        self._input = input_
        self._queue: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._is_over = False
        session.post = self.post
        session.execute = lambda name, words: self.execute(name, words)[1]

    def post(self, work: Callable[[], None]) -> None:
        """Have something done in the loop's thread; may be called from any."""
        self._queue.put(work)

    def run(self) -> None:
        """Serve; returns at the end."""
        threading.Thread(target=self._read, daemon=True).start()
        self._session.output.prompt()
        while not self._is_over:
            try:
                self._next()()
            except KeyboardInterrupt:
                # Came too late for what it was meant for.
                continue
            except Exception:  # noqa: BLE001 - one event that is not understood must not end the session
                traceback.print_exc(file=sys.stderr)

    def _next(self) -> Callable[[], object]:
        """Wait for something to do: what can wait is done once nothing else has come for a while."""
        self._settle()
        later = self._session.later
        try:
            return self._queue.get(timeout=_IDLE_S if later else None)
        except queue.Empty:
            return later.pop()

    def _settle(self) -> None:
        if self._queue.empty():
            self._session.traps.settle()

    def _read(self) -> None:
        for line in self._input:
            self.post(lambda line=line: self._take(line))  # type: ignore[misc]
        self.post(self._end)

    def _end(self) -> None:
        self._is_over = True

    def _take(self, line: str) -> None:
        if not line.strip():
            return
        output = self._session.output
        parsed = parse_command(line)
        if parsed is None:
            output.result("", "error", {"msg": "no MI command: " + line.strip()[:200]})
        else:
            token, name, words = parsed
            self._answer(token, name, words)
        output.prompt()

    def _answer(self, token: str, name: str, words: list[str]) -> None:
        output = self._session.output
        try:
            command, answer = self.execute(name, words)
            self._settle()
        except MiError as error:
            self._session.after_answer.clear()
            output.result(token, "error", {"msg": str(error)})
        except KeyboardInterrupt:
            output.result(token, "error", {"msg": "Quit"})
        except Exception as error:  # noqa: BLE001 - one bad command spoils one command
            traceback.print_exc(file=sys.stderr)
            output.result(token, "error", {"msg": f"{name}: {error!r}"})
        else:
            self._is_over = self._is_over or command.kind == "exit"
            output.result(token, command.kind, answer, as_json=command.is_json)
            if command.kind == "running" and self._session.is_told_stopped:
                # In one piece with the answer: later it would look as if something else had let the target go on.
                self._session.is_told_stopped = False
                output.exec_async("running", {"thread-id": "all"})
            told, self._session.after_answer = self._session.after_answer, []
            for each in told:
                each()

    def execute(self, name: str, words: list[str]) -> tuple[Command, dict[str, Any]]:
        """Run one command; return it and its answer. Raises MiError."""
        command = self._commands.find(name)
        if command is None:
            raise MiError(f"Undefined MI command: {name.removeprefix('-')}")
        session = self._session
        session.wanted_thread = _number(take_option(words, "--thread"))
        session.wanted_frame = _number(take_option(words, "--frame"))
        if command.needs_rest:
            session.rest()
        with session.traps.laid() if command.needs_traps else nullcontext():
            return command, self._run(command, words)

    def _run(self, command: Command, words: list[str]) -> dict[str, Any]:
        session = self._session
        try:
            with session.lock:
                if command.kind == "running":
                    session.stands.clear()
                return command.function(session, *words)
        except MiError:
            if command.kind == "running" and session.is_stopped:
                session.stands.set()
            raise
        except TypeError as error:
            if "positional argument" in str(error):
                raise MiError(f"{command.name}: {error}") from error
            raise
        finally:
            session.wanted_thread = session.wanted_frame = None
            if command.needs_traps and command.kind != "running":
                session.traps.forget_places()


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal():
        raise MiError(f"Invalid number: {text}")
    return int(text)
