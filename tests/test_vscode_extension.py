"""What the extension for VS Code says of the configuration is what dapbridge takes, and it knows dapbridge's errors."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dapbridge import __version__, config
from dapbridge.config import AttachConfig, DelveConfig, SidecarConfig

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = json.loads((ROOT / "vscode-extension/package.json").read_text())
DEBUGGER = PACKAGE["contributes"]["debuggers"][0]
ATTRIBUTES: dict[str, dict[str, Any]] = DEBUGGER["configurationAttributes"]["attach"]["properties"]
DEPRECATED = {name for name, schema in ATTRIBUTES.items() if "deprecationMessage" in schema}

FIELDS = {field.encode_name: field for field in msgspec.structs.fields(AttachConfig)}
SIDECAR_FIELDS = {field.encode_name: field for field in msgspec.structs.fields(SidecarConfig)}


def allowed(schema: dict[str, Any]) -> tuple[set[str], set[Any], set[str]]:
    """Return what a schema allows: JSON types, the values of enums, and the names of an object's attributes."""
    if "anyOf" in schema:
        parts = [allowed(each) for each in schema["anyOf"]]
        types, values, names = (set().union(*each) for each in zip(*parts, strict=True))
        return types, values, names
    if "items" in schema:
        _, values, names = allowed(schema["items"]) if isinstance(schema["items"], dict) else (set(), set(), set())
        return {"array"}, values, names
    if isinstance(schema.get("additionalProperties"), dict):
        return {"object"}, allowed(schema["additionalProperties"])[1], set()
    types = schema.get("type") or [{str: "string", type(None): "null"}[type(each)] for each in schema["enum"]]
    return (
        {types} if isinstance(types, str) else set(types),
        set(schema.get("enum", ())),
        set(schema.get("properties", ())),
    )


def schema_of(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    """Return the JSON schema of a field, by its type, with what it refers to put in its place."""
    (schema,), definitions = msgspec.json.schema_components([field.type], ref_template="{name}")

    def inline(part: Any) -> Any:
        if isinstance(part, dict):
            return inline(definitions[part["$ref"]]) if "$ref" in part else {k: inline(v) for k, v in part.items()}
        return [inline(each) for each in part] if isinstance(part, list) else part

    return dict(inline(schema))


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    """Return a field's default as JSON has it; an object's is empty, for its attributes have their own."""
    default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return {} if default in (SidecarConfig(), DelveConfig()) else json.loads(msgspec.json.encode(default))


def test_attributes_are_those_of_the_configuration() -> None:
    assert ATTRIBUTES.keys() - DEPRECATED == FIELDS.keys() | config.DELVES_OWN


@pytest.mark.parametrize("name", FIELDS)
def test_attribute_is_as_dapbridge_takes_it(name: str) -> None:
    assert_like(ATTRIBUTES[name], FIELDS[name])


@pytest.mark.parametrize("name", SIDECAR_FIELDS)
def test_attribute_of_the_sidecar_is_as_dapbridge_takes_it(name: str) -> None:
    assert ATTRIBUTES["sidecar"]["properties"].keys() == SIDECAR_FIELDS.keys()
    assert_like(ATTRIBUTES["sidecar"]["properties"][name], SIDECAR_FIELDS[name])


def assert_like(said: dict[str, Any], field: msgspec.structs.FieldInfo) -> None:
    assert allowed(said) == allowed(schema_of(field))
    assert len(said["markdownDescription"]) > 15
    if field.required:
        assert field.encode_name in DEBUGGER["configurationAttributes"]["attach"]["required"]
    else:
        assert said["default"] == default_of(field)


def test_names_of_other_debuggers_are_deprecated() -> None:
    assert config._OTHER_NAMES.keys() == DEPRECATED
    for name in DEPRECATED:
        assert f"'{config._OTHER_NAMES[name]}'" in ATTRIBUTES[name]["deprecationMessage"]


def test_snippets_and_initial_configurations_are_taken() -> None:
    snippets = [json.dumps(each["body"]) for each in DEBUGGER["configurationSnippets"]]
    # What VS Code makes of a snippet: placeholders become their defaults, a text that begins with ^ stands for JSON.
    filled = [re.sub(r"\$\{\d+:([^}]*)\}", r"\1", each) for each in snippets]
    bodies = [json.loads(re.sub(r'"\^(.*?)(?<!\\)"', lambda text: unescape(text[1]), each)) for each in filled]
    for body in [*bodies, *DEBUGGER["initialConfigurations"]]:
        assert body["type"] == DEBUGGER["type"]
        assert body["request"] == "attach"
        assert body.keys() - {"name", "type", "request"} <= FIELDS.keys()
        config.parse_attach(body)


def unescape(text: str) -> str:
    """Return the JSON that stands in a snippet's text behind ^: `\\}` is a brace, `\\"` a quote."""
    return text.replace('\\"', '"').replace("\\\\", "")


def test_bridge_of_the_same_version_is_new_enough() -> None:
    oldest = re.search(r'OLDEST_VERSION = "([\d.]+)"', (ROOT / "vscode-extension/src/bridge/version.ts").read_text())
    assert oldest
    assert [int(each) for each in oldest[1].split(".")] <= [int(each) for each in __version__.split(".")]
    assert PACKAGE["version"] == __version__


def test_errors_that_remedies_are_for_are_dapbridges_own() -> None:
    table = (ROOT / "vscode-extension/test/remedies.test.ts").read_text()
    texts = re.findall(r"""^  \[\n? *(?:"([^"]*)"|'([^']*)'),""", table, re.MULTILINE)
    assert len(texts) > 5
    source = "\n".join(file.read_text() for file in (ROOT / "dapbridge").rglob("*.py"))
    written = re.sub(r'"\n\s*f?"', "", source)
    for text in (double or single for double, single in texts):
        # Values differ: the words before the first of them, and the first words after it, are looked for.
        beginning = re.split(r"'|\(|\"|\d|:|;", text.lstrip('"'))[0].strip()
        assert beginning in written or beginning in config._EXPECTED, f"dapbridge says nothing like {text!r}"
