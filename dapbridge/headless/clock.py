"""The time of day as reports write it."""

from datetime import UTC, datetime


def now() -> str:
    """Return the present, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
