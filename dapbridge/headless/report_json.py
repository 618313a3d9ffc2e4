"""The report for programs: one JSON object a line, told at once, so it is whole up to its last line at any time."""

from collections.abc import Callable

import msgspec

from dapbridge.headless.happenings import Happening


class JsonReport:
    """Writes lines with `write`."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._encoder = msgspec.json.Encoder()

    def tell(self, happening: Happening) -> None:
        """See happenings.Report."""
        try:
            line = self._encoder.encode(happening)
        except UnicodeEncodeError:
            # Names of a target are bytes; those that are no UTF-8 come as lone surrogates, which JSON can't hold.
            line = self._encoder.encode(_without_surrogates(msgspec.to_builtins(happening)))
        self._write(line.decode() + "\n")


def _without_surrogates(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
        case dict():
            return {key: _without_surrogates(item) for key, item in value.items()}
        case _:
            return value
