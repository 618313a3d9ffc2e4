"""The JSON schema of `dapbridge stacks --json`; run as a module it prints docs/stacks.schema.json."""

import sys
from inspect import cleandoc
from typing import Any

import msgspec

from dapbridge.headless.stacks.report import Report


def make_schema() -> dict[str, Any]:
    """Return the schema of one line."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Report)}
    for definition in schema["$defs"].values():
        # Python 3.13 takes the indentation out of docstrings, earlier ones don't.
        definition["description"] = cleandoc(definition["description"])
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(schema))
    return plain


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(make_schema()), indent=2) + b"\n")
