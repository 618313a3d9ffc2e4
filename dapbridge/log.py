"""Logging to stderr or a file, each line with its session. stdout belongs to the protocol."""

import logging
from contextvars import ContextVar
from pathlib import Path

session_id: ContextVar[str] = ContextVar("session_id", default="-")
"""The session that the running code works for; tasks started for a session inherit it."""

MAX_SHOWN = 400


def configure(verbosity: int, file: Path | None) -> None:
    """Set logging up for a server: 0 warnings, 1 what happens, 2 every message on every wire. Raises OSError."""
    handler = (
        logging.FileHandler(file, encoding="utf-8", errors="backslashreplace") if file else logging.StreamHandler()
    )
    handler.addFilter(_add_session)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(session)s] %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    # At -vv other libraries stay at INFO: the Docker client alone would drown the wires.
    root.setLevel(logging.INFO if verbosity else logging.WARNING)
    if verbosity >= 2:
        logging.getLogger("dapbridge").setLevel(logging.DEBUG)


def shorten(text: str, max_chars: int = MAX_SHOWN) -> str:
    """Cut a long text, saying how long it was."""
    return text if len(text) <= max_chars else f"{text[:max_chars]}… ({len(text)} characters)"


def _add_session(record: logging.LogRecord) -> bool:
    record.session = session_id.get()
    return True
