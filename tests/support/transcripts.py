"""What real editors have said in a session, and how it is said again to a dapbridge and a target of today.

A transcript (tests/transcripts/NAME.jsonl) is a session with the program spin.c, in the order in which it went on:

    {"client": {...}}                          a message as the editor has sent it
    {"response": SEQ, "success": true, "ids": {...}}   an answer: the ids in it, each where it stands in the body
    {"event": "stopped", "ids": {...}}          an event that the editor may have waited for

Of what the adapter sent only this is kept: a later message of the editor has ids of it, and `Replay` puts in their
place what stands there today. The editor's paths are below /home/me/project, and the container is called TARGET.

    python -m support.transcripts RECORDED PROJECT TARGET >tests/transcripts/NAME.jsonl

makes a transcript of what `support.recording` has recorded in the folder PROJECT with the container TARGET.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.dap_client import DapClient, DapError, JsonObject
from support.serving import WORKSPACE

TRANSCRIPTS = Path(__file__).resolve().parents[1] / "transcripts"
TARGET = "TARGET"

_EVENTS = ("initialized", "stopped", "terminated", "exited")
_ID_KEYS = frozenset(["id", "threadId", "variablesReference", "frameId", "targetId"])
_SENT_ID_KEYS = {"threadId": "thread", "frameId": "frame", "variablesReference": "variables"}


def make_transcript(recorded: Iterable[JsonObject], project: str, target: str) -> Iterator[JsonObject]:
    """Yield the lines of a transcript."""
    for each in recorded:
        message = each["message"]
        if each["from"] == "client":
            text = json.dumps(message).replace(project, WORKSPACE).replace(target, TARGET)
            yield {"client": json.loads(text)}
        elif message["type"] == "response":
            ids = _find_ids(message.get("body"))
            yield {"response": message["request_seq"], "success": message["success"], **({"ids": ids} if ids else {})}
        elif message["event"] in _EVENTS:
            ids = _find_ids(message.get("body"))
            yield {"event": message["event"], **({"ids": ids} if ids else {})}


def _find_ids(value: Any) -> Any:
    """Return `value` with nothing left in it but its ids and the way to them."""
    if isinstance(value, dict):
        found = {
            key: each if key in _ID_KEYS and isinstance(each, int) else _find_ids(each) for key, each in value.items()
        }
        return {key: each for key, each in found.items() if each}
    if isinstance(value, list):
        elements = [_find_ids(each) or {} for each in value]
        while elements and not elements[-1]:
            elements.pop()
        return elements
    return None


class Replay:
    """Says what a transcript says to a live adapter, with the ids and the container of today."""

    def __init__(self, name: str, client: DapClient, target: str) -> None:
        lines = (TRANSCRIPTS / f"{name}.jsonl").read_text().splitlines()
        self.lines: list[JsonObject] = [json.loads(line) for line in lines]
        self._client = client
        # Helix numbers its messages from 0, against the schema, and so are then the answers.
        client.validate = all(line["client"]["seq"] > 0 for line in self.lines if "client" in line)
        self._target = target
        self._ids: dict[tuple[str, int], int] = {}

    async def run(self, *, until_event: str | None = None) -> None:
        """Send and await everything in its order, at most to the first event of that name."""
        for line in self.lines:
            if "client" in line:
                # Unchecked: editors send null and more where the schema has nothing.
                self._client.send_body(json.dumps(self._todays(line["client"])).encode())
            elif "event" in line:
                self._learn(line.get("ids"), await self._client.event(line["event"]), line["event"])
                if line["event"] == until_event:
                    return
            else:
                await self._take_response(line)

    async def _take_response(self, line: JsonObject) -> None:
        seq = line["response"]
        request = next(each["client"] for each in self.lines if each.get("client", {}).get("seq") == seq)
        if line["success"]:
            self._learn(line.get("ids"), await self._client.response(seq), request["command"])
        else:
            with pytest.raises(DapError):
                await self._client.response(seq)

    def _learn(self, recorded: Any, todays: Any, place: str) -> None:
        """Note what today stands where an id stood."""
        if isinstance(recorded, dict):
            for key, each in recorded.items():
                if isinstance(each, int):
                    kind = _SENT_ID_KEYS.get(key) or {"threads": "thread", "stackFrames": "frame"}.get(place)
                    if kind is not None:
                        self._ids[kind, each] = todays[key]
                else:
                    self._learn(each, todays[key], key)
        elif isinstance(recorded, list):
            for each, today in zip(recorded, todays, strict=False):
                self._learn(each, today, place)

    def _todays(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self._todays(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self._todays(each) for each in value]
        if isinstance(value, str):
            return value.replace(TARGET, self._target)
        return self._ids.get((_SENT_ID_KEYS[key], value), value) if key in _SENT_ID_KEYS else value


def main() -> None:
    """Print the transcript of what was recorded."""
    file, project, target = sys.argv[1:]
    recorded = map(json.loads, Path(file).read_text().splitlines())
    for line in make_transcript(recorded, project, target):
        sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
