import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.dap_schema import SCHEMA_FILE, SCHEMA_PRESENT

from dapbridge.dap.messages import Event, Request, Response
from dapbridge.dap.path_fields import (
    EVENT_SOURCES,
    REQUEST_SOURCES,
    RESPONSE_SOURCES,
    map_message_paths,
    map_request_paths,
)


def mapped(path: str) -> str:
    return path.replace("/build", "/ws") if path.startswith("/build/") else path


def at(place: str, source: Any) -> Any:
    """Build the body that has `source` at a place of the table."""
    for step in reversed(place.split()):
        source = [{"other": 1}, source] if step == "[]" else {step: source, "line": 7}
    return source


SOURCE = {"name": "a.c", "path": "/build/a.c", "sourceReference": 0}
MAPPED_SOURCE = {"name": "a.c", "path": "/ws/a.c", "sourceReference": 0}


@pytest.mark.parametrize(("command", "place"), REQUEST_SOURCES.items())
def test_a_requests_source_is_mapped(command: str, place: str) -> None:
    request = Request(4, command, at(place, SOURCE))
    assert map_request_paths(request, mapped) == Request(4, command, at(place, MAPPED_SOURCE))


@pytest.mark.parametrize(("command", "place"), RESPONSE_SOURCES.items())
def test_a_responses_sources_are_mapped(command: str, place: str) -> None:
    response = Response(4, command, body=at(place, SOURCE))
    assert map_message_paths(response, mapped) == Response(4, command, body=at(place, MAPPED_SOURCE))


@pytest.mark.parametrize(("event", "place"), EVENT_SOURCES.items())
def test_an_events_source_is_mapped(event: str, place: str) -> None:
    assert map_message_paths(Event(event, at(place, SOURCE)), mapped) == Event(event, at(place, MAPPED_SOURCE))


def test_related_sources_are_mapped_at_any_depth() -> None:
    def related(prefix: str) -> dict[str, Any]:
        inner = {"path": f"{prefix}/c.c", "sources": [{"path": "/usr/d.c"}]}
        return {"source": {"path": "/usr/a.c", "sources": [{"path": "/usr/b.c"}, inner]}}

    assert map_message_paths(Event("output", related("/build")), mapped) == Event("output", related("/ws"))


def test_a_source_without_a_name_gets_none_and_a_name_is_kept() -> None:
    event = map_message_paths(Event("loadedSource", {"reason": "new", "source": {"path": "/build/a.c"}}), mapped)
    assert event == Event("loadedSource", {"reason": "new", "source": {"path": "/ws/a.c"}})


def test_the_message_itself_is_not_changed() -> None:
    body = {"stackFrames": [{"id": 1, "source": dict(SOURCE)}, {"id": 2}], "totalFrames": 2}
    before = copy.deepcopy(body)
    response = map_message_paths(Response(1, "stackTrace", body=body), mapped)
    assert body == before
    assert isinstance(response, Response)
    assert response.body is not None
    assert response.body["stackFrames"][1] is body["stackFrames"][1]  # type: ignore[index]


def unchanged_messages() -> Iterator[Response | Event]:
    yield Response(
        1, "stackTrace", body={"stackFrames": [{"source": {"path": "/usr/a.c", "sources": [{"path": "/x"}]}}]}
    )
    yield Response(1, "variables", body={"variables": [], "source": dict(SOURCE)})
    yield Response(1, "setBreakpoints", success=False, message="no", body={"error": {"id": 1, "format": "/build/a.c"}})
    yield Response(1, "scopes")
    yield Event("module", {"reason": "new", "module": {"id": 1, "name": "a", "path": "/build/a.so"}})
    yield Event("output", {"output": "/build/a.c", "source": None})
    yield Response(1, "loadedSources", body={"sources": "/build/a.c"})
    yield Response(1, "stackTrace", body={"stackFrames": [None, 5, {"source": {"path": 5, "sources": {"a": 1}}}]})


@pytest.mark.parametrize("message", list(unchanged_messages()))
def test_a_message_in_which_nothing_changes_is_returned_itself(message: Response | Event) -> None:
    assert map_message_paths(message, mapped) is message


def test_a_request_in_which_nothing_changes_is_returned_itself() -> None:
    for request in (
        Request(1, "setBreakpoints", {"source": {"path": "/usr/a.c"}, "breakpoints": []}),
        Request(1, "setBreakpoints", {"source": "/build/a.c"}),
        Request(1, "attach", {"source": dict(SOURCE)}),
    ):
        assert map_request_paths(request, mapped) is request


@pytest.mark.skipif(not SCHEMA_PRESENT, reason=f"DAP's schema is not at {SCHEMA_FILE.name}")
def test_the_table_has_every_field_of_dap_that_carries_a_source() -> None:
    definitions = json.loads(SCHEMA_FILE.read_text())["definitions"]
    found: dict[str, dict[str, str]] = {"Request": {}, "Response": {}, "Event": {}}
    for name, definition in definitions.items():
        for kind, content in (("Request", "arguments"), ("Response", "body"), ("Event", "body")):
            if not name.endswith(kind) or name == kind:
                continue
            places = set(source_places(definitions, definition, ()))
            if places:
                (place,) = places
                assert place[0] == content
                dap_name = name.removesuffix(kind)
                found[kind][dap_name[0].lower() + dap_name[1:]] = " ".join(place[1:])
    assert found["Request"] == REQUEST_SOURCES
    assert found["Response"] == RESPONSE_SOURCES
    assert found["Event"] == EVENT_SOURCES


def source_places(definitions: Any, schema: Any, place: tuple[str, ...], outer: tuple[str, ...] = ()) -> Iterator[Any]:
    """Yield the places of all `Source` objects below a schema, but for those inside of a `Source`."""
    reference = schema.get("$ref", "").rpartition("/")[2]
    if reference == "Source":
        yield place
    elif reference and reference not in outer:
        yield from source_places(definitions, definitions[reference], place, (*outer, reference))
    for part in (part for key in ("allOf", "anyOf", "oneOf") for part in schema.get(key, ())):
        yield from source_places(definitions, part, place, outer)
    for key, inner in schema.get("properties", {}).items():
        yield from source_places(definitions, inner, (*place, key), outer)
    if isinstance(schema.get("items"), dict):
        yield from source_places(definitions, schema["items"], (*place, "[]"), outer)
