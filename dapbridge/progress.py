"""The steps of a long preparation as the client shows them (DAP, "ProgressStart"). Pure: texts in, events out."""

from collections.abc import Callable

from dapbridge.dap.messages import Event, JsonObject


def output(text: str, category: str = "console") -> Event:
    """Make an `output` event of one line; category `important` asks the IDE to show it prominently."""
    return Event("output", {"category": category, "output": f"{text}\n"})


class ProgressReport:
    """One preparation's steps: progress events where the client supports them, else lines in its console."""

    def __init__(self, write: Callable[[Event], None], title: str, request_seq: int, supported: bool) -> None:
        self.progress_id = f"attach-{request_seq}"
        self._write = write
        self._title = title
        self._request_seq = request_seq
        self._supported = supported
        self._started = False
        self._ended = False

    def step(self, message: str) -> None:
        """Tell the next step."""
        if self._ended:
            return
        if not self._supported:
            self._write(output(message))
        elif self._started:
            self._tell("progressUpdate", message=message)
        else:
            self._started = True
            start: JsonObject = {"title": self._title, "requestId": self._request_seq, "cancellable": True}
            self._tell("progressStart", **start, message=message)

    def end(self) -> None:
        """Tell that no step follows; may be called twice."""
        if self._started and not self._ended:
            self._tell("progressEnd")
        self._ended = True

    def _tell(self, event: str, **body: object) -> None:
        self._write(Event(event, {"progressId": self.progress_id, **body}))
