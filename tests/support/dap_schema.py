"""Checks messages against DAP's published JSON schema, by the definition of their own command or event.

The schema is no part of the repository: it is used whenever it lies beside it. The check is stricter than the schema,
which allows any further property: in what the adapter sends, one that the definition doesn't know is an error (a typo).
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError

SCHEMA_FILE = Path(__file__).parents[3] / "shared" / "dap" / "debugAdapterProtocol.json"
SCHEMA_PRESENT = SCHEMA_FILE.is_file()

JsonObject = dict[str, Any]


class SchemaError(AssertionError):
    """A message that is not as DAP has it."""


def check_message(message: JsonObject, *, from_adapter: bool) -> None:
    """Raise SchemaError if a message is not valid; accept everything where the schema is absent."""
    if not SCHEMA_PRESENT:
        return
    name = _definition_name(message)
    try:
        _validator(name).validate(message)
    except ValidationError as error:
        where = "/".join(str(step) for step in error.absolute_path)
        raise SchemaError(f"not a valid {name}: {error.message} at '{where}' in {json.dumps(message)}") from None
    if from_adapter and (unknown := list(_unknown_properties(message, {"$ref": f"#/definitions/{name}"}, ""))):
        raise SchemaError(f"not a valid {name}: unknown properties {unknown} in {json.dumps(message)}")


def known_commands() -> list[str]:
    """Return the commands of all requests that DAP defines; none where the schema is absent."""
    return list(_by_command("command")) if SCHEMA_PRESENT else []


def event_names() -> list[str]:
    """Return the names of all events that DAP defines; none where the schema is absent."""
    return list(_by_command("event")) if SCHEMA_PRESENT else []


def capability_names() -> list[str]:
    """Return the names of all capabilities that DAP defines; none where the schema is absent."""
    return list(_schema()["definitions"]["Capabilities"]["properties"]) if SCHEMA_PRESENT else []


def _definition_name(message: JsonObject) -> str:
    match message:
        case {"type": "request", "command": command}:
            name = _by_command("command").get(command)
        case {"type": "response", "success": False}:
            name = "ErrorResponse"
        case {"type": "response", "command": command}:
            request = _by_command("command").get(command)
            name = request and f"{request.removesuffix('Request')}Response"
        case {"type": "event", "event": event}:
            name = _by_command("event").get(event)
        case _:
            name = None
    if name is None or name not in _schema()["definitions"]:
        raise SchemaError(f"no definition in DAP for {json.dumps(message)}")
    return name


@cache
def _schema() -> JsonObject:
    schema: JsonObject = json.loads(SCHEMA_FILE.read_text())
    return schema


@cache
def _by_command(key: str) -> dict[str, str]:
    """Return definition names by the one `command` or `event` that each allows."""
    found: dict[str, str] = {}
    for name, definition in _schema()["definitions"].items():
        for part in definition.get("allOf", ()):
            values = part.get("properties", {}).get(key, {}).get("enum", ())
            found |= dict.fromkeys(values, name)
    return found


@cache
def _validator(name: str) -> Draft4Validator:
    return Draft4Validator({**_schema(), "$ref": f"#/definitions/{name}"})


def _unknown_properties(value: Any, schema: JsonObject, path: str) -> Any:
    """Yield the places of properties that a schema doesn't declare although it declares some."""
    parts = list(_parts(schema))
    if isinstance(value, list):
        items: JsonObject = next((part["items"] for part in parts if isinstance(part.get("items"), dict)), {})
        for index, item in enumerate(value):
            yield from _unknown_properties(item, items, f"{path}[{index}]")
    elif isinstance(value, dict):
        declared: JsonObject = {}
        for part in parts:
            # A later, more special definition of a property (body of StackTraceResponse) hides an earlier one.
            declared |= part.get("properties", {})
        if not declared or any(part.get("additionalProperties") for part in parts):
            return
        for key, item in value.items():
            if key in declared:
                yield from _unknown_properties(item, declared[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"


def _parts(schema: JsonObject) -> Any:
    if "$ref" in schema:
        yield from _parts(_schema()["definitions"][schema["$ref"].rsplit("/", 1)[-1]])
    for part in schema.get("allOf", ()):
        yield from _parts(part)
    yield schema
