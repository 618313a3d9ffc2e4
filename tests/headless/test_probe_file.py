from pathlib import Path

import msgspec
import pytest
import yaml
from support.reports import DOCS, validator

from dapbridge.errors import UserError
from dapbridge.headless.probe_file import read_run_file, to_probes
from dapbridge.headless.probes import Probe
from dapbridge.headless.schemas import format_schema, schemas

WHOLE = """
targets: [api, worker]
attach:
  substitutePath:
    - from: .
      to: /build
probes:
  - break: src/api.c:42 if n > 3
    capture: [order.id, order]
    max-hits: 5
    expect: hit
    targets: [api]
  - break-function: shop::price
  - watch: total
  - log: "src/api.c:50: order {order.id}"
  - on-crash: true
    expect: no-hit
  - on-hang: 30
command: [pytest, -x]
timeout: 600
follow: true
depth: 3
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "dapbridge.yml"
    path.write_text(text)
    return path


def test_everything(tmp_path: Path) -> None:
    file = read_run_file(write(tmp_path, WHOLE))
    assert (file.targets, file.argv, file.timeout, file.follow, file.depth) == (
        ("api", "worker"),
        ("pytest", "-x"),
        600,
        True,
        3,
    )
    assert file.attach == {"substitutePath": [{"from": ".", "to": "/build"}]}
    assert to_probes(file) == [
        Probe(
            "break",
            path="src/api.c",
            line=42,
            condition="n > 3",
            capture=("order.id", "order"),
            max_hits=5,
            expect="hit",
            targets=("api",),
        ),
        Probe("function", function="shop::price"),
        Probe("watch", expression="total"),
        Probe("log", path="src/api.c", line=50, message="order {order.id}"),
        Probe("crash", expect="no-hit"),
        Probe("hang", silence_s=30),
    ]


def test_nothing(tmp_path: Path) -> None:
    assert to_probes(read_run_file(write(tmp_path, ""))) == []


def test_a_line_for_the_shell(tmp_path: Path) -> None:
    assert read_run_file(write(tmp_path, "command: make test | tee log")).argv == ("sh", "-c", "make test | tee log")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("probes: [", "is no YAML"),
        ("- break: x.c:1", "Expected `object`"),
        ("probe: []", "unknown field `probe`"),
        ("probes: [{brake: x.c:1}]", r"unknown field `brake` - at `\$.probes\[0\]`"),
        ("probes: [{break: x.c:1, expect: maybe}]", r"Invalid enum value 'maybe' - at `\$.probes\[0\].expect`"),
        ("probes: [{on-hang: 0}]", r"> 0.* - at `\$.probes\[0\].on-hang`"),
        ("probes: [{break: x.c:1, watch: y}]", "probe 1: it needs exactly one of"),
        ("probes: [{watch: y}, {expect: hit}]", "probe 2: it needs exactly one of"),
        ("probes: [{break: x.c}]", "'x.c' is no place to break at"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        to_probes(read_run_file(write(tmp_path, text)))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"can't read .*: No such file"):
        read_run_file(tmp_path / "dapbridge.yml")


def test_the_schemas_for_users_are_those_of_the_code() -> None:
    for name, schema in schemas().items():
        assert (DOCS / name).read_text() == format_schema(schema), "run `make docs`"


def test_the_schema_takes_what_the_code_takes() -> None:
    schema = validator("dapbridge.schema.json")
    schema.validate(yaml.safe_load(WHOLE))
    for wrong in ({"probe": []}, {"probes": [{"brake": "x.c:1"}]}, {"probes": [{"on-hang": 0}]}, {"timeout": -1}):
        assert not schema.is_valid(wrong)
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, type(read_run_file(Path("/dev/null"))))
