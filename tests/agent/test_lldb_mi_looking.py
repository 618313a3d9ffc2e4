"""The MI server on LLDB: what the commands that look answer, as a transcript with one program that stands."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.lldb_rig import MiServer, server_for, stop_at
from support.marks import mark

pytestmark = pytest.mark.docker

STOP = 1


class Standing:
    """The values fixture at its mark `core`."""

    def __init__(self, server: MiServer, thread: int) -> None:
        self.server = server
        self._frame = f"--thread {thread} --frame 0"

    def look(self, operation: str, *words: object) -> dict[str, Any]:
        """Return the answer of an operation in the innermost frame."""
        quoted = " ".join(json.dumps(str(each), ensure_ascii=False) for each in words)
        return self.server.ask(f"-{operation} {self._frame} {quoted}")

    def evaluate(self, expression: str, format_: str = "-", stop: int = STOP) -> dict[str, Any]:
        return self.look("x-evaluate", stop, expression, 500, format_)


@pytest.fixture(scope="module")
def here() -> Iterator[Standing]:
    with server_for("values") as server:
        yield Standing(server, stop_at(server, "values.cpp", mark("values.cpp", "core")))


def test_variables_and_their_file(here: Standing) -> None:
    answer = here.look("x-variables", STOP)
    assert answer["file"] == "/build/src/values.cpp"
    number = next(each for each in answer["variables"] if each["name"] == "number")
    assert (number["value"], number["type"], number["expression"]) == ("-5", "int", "number")
    assert "node" not in number


def test_children_come_in_pages_and_by_kind(here: Standing) -> None:
    matrix = here.evaluate("matrix")
    assert matrix["indexed"] == 3
    page = here.look("x-children", STOP, matrix["node"], 1, 1)
    assert [(each["name"], each["value"]) for each in page["children"]] == [("[1]", "{5, 6, 7, 8}")]
    assert page["more"]
    assert not here.look("x-children", STOP, matrix["node"], 2, 1)["more"]
    assert here.look("x-children", STOP, matrix["node"], 0, 9, "-", "named")["children"] == []
    assert len(here.look("x-children", STOP, matrix["node"], 0, 9, "-", "indexed")["children"]) == 3


def test_nodes_end_with_their_stop(here: Standing) -> None:
    node = here.evaluate("matrix", stop=2)["node"]
    here.evaluate("number", stop=STOP)
    assert "moved on" in here.look("x-children", STOP, node, 0, 1)["msg"]


@pytest.mark.parametrize(
    ("expression", "format_", "value"),
    [
        ("number", "x", "0xfffffffb"),
        ("number + 1", "-", "-4"),
        ("real * 2", "-", "5"),
        ("byte", "t", "11001000"),
        ("letter", "-", "113 'q'"),
        ("color", "-", "zoo::BLUE"),
        ("*(&matrix[0][0])@3", "-", "{1, 2, 3}"),
        ("ring.next->next->next->value", "-", "2"),
        ("zoo::Dog::count", "-", "7"),
        ("animal->name", "-", '"Rex"'),
        ("*(zoo::Dog *) animal", "-", '{{name = "Rex", age = 3, secret = 42}, good = true}'),
        ("number == -5 && letter != 'x'", "-", "true"),
        ("sizeof(int)", "-", "4"),
        ('"a,x"', "-", '"a,x"'),
    ],
)
def test_expressions_run_nothing(here: Standing, expression: str, format_: str, value: str) -> None:
    assert here.evaluate(expression, format_)["value"] == value


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("nowhere", 'No symbol "nowhere" in current context.'),
        ("zoo::twice(4)", "may-call-functions is off"),
        ("dog.tail", "There is no member named tail."),
        ("number +", "expected expression"),
        ("*none", "Cannot access memory at address 0x0"),
    ],
)
def test_what_cant_be_evaluated_says_why(here: Standing, expression: str, words: str) -> None:
    answer = here.evaluate(expression)
    assert words in answer.get("msg", "") or words in answer.get("value", "")


def test_calls_are_made_only_where_the_setting_allows_them(here: Standing) -> None:
    here.server.done("-gdb-set may-call-functions on")
    try:
        assert here.evaluate("zoo::twice(4)")["value"] == "8"
    finally:
        here.server.done("-gdb-set may-call-functions off")
    assert "may-call-functions is off" in here.evaluate("zoo::twice(4)")["msg"]
    assert here.look("x-unwind-calls") == {"count": 0}


def test_a_value_is_changed_and_told_with_its_place(here: Standing) -> None:
    before = here.evaluate("second.value")["value"]
    answer = here.look("x-assign", STOP, "second.value", "40 + 2")
    assert (answer["value"], answer["changed"][1]) == ("42", 4)
    assert here.evaluate("ring.next->value")["value"] == "42"
    here.look("x-assign", STOP, "second.value", before)
    assert "not an lvalue" in here.look("x-assign", STOP, "number + 1", "2")["msg"]


def test_frames_tell_texts_once(here: Standing) -> None:
    answer = here.look("x-frames", 0, 19)
    names = [answer["texts"][row[1]] for row in answer["rows"]]
    assert [name.partition("(")[0] if name == "main" else name.rpartition("::")[2] for name in names] == [
        "look_at_core()",
        "main",
    ]
    assert len(set(answer["texts"])) == len(answer["texts"])
    assert here.look("stack-info-depth", 1) == {"depth": "1"}


def test_memory_is_read_up_to_what_is_not_there(here: Standing) -> None:
    begin = int(here.evaluate("&number")["memory"])
    (block,) = here.look("data-read-memory-bytes", begin, 4)["memory"]
    assert bytes.fromhex(block["contents"]) == (-5).to_bytes(4, "little", signed=True)
    assert "Unable to read memory" in here.look("data-read-memory-bytes", "0x10", 16)["msg"]


def test_registers_by_group(here: Standing) -> None:
    answer = here.look("x-registers", STOP, "general")
    by_name = {each["name"]: each["value"] for each in answer["registers"]}
    assert "look_at_core()+" in by_name["rip"]
    assert by_name["eflags"].startswith("[ ")
    assert {"float", "vector"} <= {name for name, _ in answer["groups"]}
    assert "no group" in here.look("x-registers", STOP, "nonsense")["msg"]


def test_sources_lines_and_code(here: Standing) -> None:
    files = here.server.done('-file-list-exec-source-files --basename -- "^values\\\\.cpp$"')["files"]
    assert [each["fullname"] for each in files] == ["/build/src/values.cpp"]
    assert "/build/src/values.cpp" in here.server.done("-x-sources")["sources"]
    line = mark("values.cpp", "core")
    assert here.server.done(f"-x-lines /build/src/values.cpp {line} {line + 2}")["lines"] == [line, line + 1]
    assert here.server.done("-x-lines /nowhere.cpp 1 9")["lines"] == []
    pc = here.look("x-frames", 0, 0)["rows"][0][0]
    instructions = here.server.done(f"-x-disassemble {pc:#x} -2 4")["instructions"]
    assert instructions[2]["address"] == pc
    assert all(each["symbol"].endswith("look_at_core()") for each in instructions)


def test_variable_objects_have_children_in_pages(here: Standing) -> None:
    made = here.look("var-create", "m", "*", "matrix")
    assert (made["name"], made["numchild"], made["type"]) == ("m", "3", "int [3][4]")
    assert made["value"].startswith("{{1, 2, 3, 4}, ")
    page = here.server.done("-var-list-children --all-values m 1 2")
    assert (page["numchild"], page["has_more"]) == ("1", "1")
    (row,) = page["children"]
    assert (row["name"], row["exp"], row["numchild"], row["value"]) == ("m.[1]", "[1]", "4", "{5, 6, 7, 8}")
    assert here.server.done("-var-list-children --all-values m 2 9")["has_more"] == "0"
    assert "value" not in here.server.done("-var-list-children 0 m 0 1")["children"][0]
    (last,) = here.server.done("-var-list-children 1 m.[1] 3 9")["children"]
    assert (last["name"], last["value"], last["numchild"]) == ("m.[1].[3]", "8", "0")
    assert here.server.done("-var-info-path-expression m.[1].[3]") == {"path_expr": "matrix[1][3]"}
    assert here.server.done("-var-evaluate-expression m.[1].[3]") == {"value": "8"}
    assert here.server.done("-var-update *") == {"changelist": []}
    here.look("x-assign", STOP, "matrix[1][3]", "80")
    changed = [each["name"] for each in here.server.done("-var-update --all-values *")["changelist"]]
    assert changed == ["m", "m.[1]", "m.[1].[3]"]
    here.look("x-assign", STOP, "matrix[1][3]", "8")
    assert here.server.done("-var-delete -c m") == {"ndeleted": "4"}
    assert here.server.done("-var-delete m") == {"ndeleted": "1"}
    assert here.server.ask("-var-evaluate-expression m")["msg"] == "Variable object not found"
    assert 'No symbol "nowhere"' in here.look("var-create", "-", "*", "nowhere")["msg"]
    assert here.look("var-create", "-", "@", "number")["name"] == "var1"


def test_completions(here: Standing) -> None:
    members = here.look("x-complete-members", "dog", "^")["found"]
    assert [name for name, _, _ in members][:3] == ["name", "age", "secret"]
    names = here.look("x-complete-names", "^num")["found"]
    assert names[0] == ["number", "variable", "int"]
    assert "print nanosleep(" in here.server.done('-complete "print nanosl"')["matches"]


def test_one_bad_command_spoils_nothing(here: Standing) -> None:
    assert "Undefined MI command" in here.server.ask("-x-nonsense")["msg"]
    assert "msg" in here.look("x-children", STOP, "no-number", 0, 1)
    assert here.evaluate("number")["value"] == "-5"
