"""The JSON schema of `dapbridge stacks --json`; headless/schemas.py writes it to docs/."""

from inspect import cleandoc
from typing import Any

import msgspec

from dapbridge.headless.stacks.report import Report


def make_schema() -> dict[str, Any]:
    """Return the schema of one line."""
    schema = msgspec.json.schema(Report)
    for definition in schema["$defs"].values():
        # Python 3.13 takes the indentation out of docstrings, earlier ones don't.
        definition["description"] = cleandoc(definition["description"])
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(schema))
    return plain
