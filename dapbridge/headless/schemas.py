"""The JSON schemas of what `run` and `stacks` read and write, made of the structs. `python -m` writes them to docs/."""

import json
from pathlib import Path
from typing import Any

import msgspec

from dapbridge.headless.happenings import Happening
from dapbridge.headless.probe_file import RunFile
from dapbridge.headless.stacks.schema import make_schema

DOCS = Path(__file__).parents[2] / "docs"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas by the names of their files."""
    return {
        "dapbridge.schema.json": {"$schema": _DRAFT, "title": "dapbridge.yml"} | msgspec.json.schema(RunFile),
        "report.schema.json": {"$schema": _DRAFT, "title": "A line of the report of `dapbridge run --json`"}
        | msgspec.json.schema(Happening),
        "stacks.schema.json": {"$schema": _DRAFT, "title": "A line of `dapbridge stacks --json`"} | make_schema(),
    }


def format_schema(schema: dict[str, Any]) -> str:
    """Return the text of a schema's file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all schemas to docs/."""
    for name, schema in schemas().items():
        (DOCS / name).write_text(format_schema(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
