"""One stop of the target: the numbers by which the client names frames and variables until the target moves on."""

from collections.abc import Hashable, Iterator

from msgspec import Struct

from dapbridge.errors import UserError


class Frame(Struct, frozen=True):
    """A stack frame as MI names it: the debugger's thread number and the level, 0 innermost."""

    thread_id: int
    level: int


class Depth(Struct, frozen=True):
    """A stack has `frames` frames, or unless `is_end` at least as many."""

    frames: int
    is_end: bool


class ReturnValue(Struct, frozen=True):
    """What a function has returned: `expression` names it for the debugger, `text` and `type` are as it says them."""

    expression: str
    text: str
    type: str = ""


class ExceptionStop(Struct, frozen=True):
    """An exception, panic or signal: `words` say what happened, `type_name` what it is, `message` more.

    `expression` names the object for the debugger, "" where nothing does.
    """

    words: str
    type_name: str
    message: str
    expression: str = ""


class Stop:
    """What is known of one stop. Numbers are never used twice, so that one of an earlier stop is found out."""

    def __init__(self, thread_id: int, ids: Iterator[int]) -> None:
        self.thread_id = thread_id
        self.number = next(ids)
        self.exception: ExceptionStop | None = None
        self.return_value: ReturnValue | None = None
        """Of the function that was stepped out of."""
        self.depths: dict[int, Depth] = {}
        """How deep stacks are, by thread, as far as they were looked at."""
        self._ids = ids
        self._frames: dict[int, Frame] = {}
        self._frame_ids: dict[Frame, int] = {}
        self._containers: dict[int, object] = {}
        self._references: dict[Hashable, int] = {}

    def frame_id(self, frame: Frame) -> int:
        """Return the DAP frameId of a frame."""
        if (known := self._frame_ids.get(frame)) is not None:
            return known
        number = next(self._ids)
        self._frames[number] = frame
        self._frame_ids[frame] = number
        return number

    def frame(self, frame_id: int) -> Frame:
        """Return the frame of a DAP frameId. Raises UserError for one of an earlier stop."""
        try:
            return self._frames[frame_id]
        except KeyError:
            raise UserError(f"frame {frame_id} is gone: the target has moved on since") from None

    def reference(self, container: Hashable) -> int:
        """Return the DAP variablesReference by which the client can open a container."""
        if (known := self._references.get(container)) is not None:
            return known
        number = next(self._ids)
        self._containers[number] = container
        self._references[container] = number
        return number

    def container(self, reference: int) -> object:
        """Return the container of a variablesReference. Raises UserError for one of an earlier stop."""
        try:
            return self._containers[reference]
        except KeyError:
            raise UserError(f"variables {reference} are gone: the target has moved on since") from None
