"""gdb: Rust's values as Rust's own Debug writes them, in a debug build and in an optimized one."""

import pytest
from support.dap_client import DapClient
from support.looking import references
from support.standing import standing

pytestmark = pytest.mark.docker

SHOWN = {
    "small": "200",
    "signed": "-7",
    "real": "2.5",
    "flag": "true",
    "letter": "'ß'",
    "text": '"grüße"',
    "empty": '""',
    "nul": r'"a\0b"',
    "array": "[1.5, 2.5]",
    "tuple": '(1, "two", 3.0)',
    "some": "Some(5)",
    "none": "None",
    "niche": "Some(&6)",
    "no_box": "None",
    "some_text": 'Some("x")',
    "good": "Ok(1)",
    "bad": 'Err("broken")',
    "circle": "Circle { radius: 1.5 }",
    "square": "Square(7)",
    "shape": "Empty",
    "level": "High",
    "person": 'Person { name: "Ada", age: 36, tags: ["math", "code"] }',
    "meters": "Meters(3.5)",
    "boxed": '&Person { name: "Ada", age: 36, tags: ["math", "code"] }',
    "reference": '&Person { name: "Ada", age: 36, tags: ["math", "code"] }',
    "speaker": '&Person { name: "Ada", age: 36, tags: ["math", "code"] }',
    "counted": "41 (strong 1, weak 0)",
    "shared": '"arc" (strong 1, weak 0)',
    "cell": "Cell(11)",
    "borrowed": "RefCell([1, 2])",
    "locked": "Mutex(12)",
    "queue": "[1, 2, 3]",
    "prices": '{"one": 1}',
    "unique": "{4}",
    "sorted": '{1: "a", 2: "b"}',
    "nonzero": "9",
    "atomic": "5",
    "duration": "1.5s",
    "range": "0..3",
    "path": '"/tmp/ä"',
    "counted_text": '"rc"',
    "heap": "[3, 1]",
    "pinned": "&3",
}
OPTIMIZED_OUT = {"slice": '"grü"', "unit": "()", "nothing": "Nothing"}


@pytest.mark.parametrize("build", ["rust_values", "rust_release"])
async def test_values_read_like_debug(client: DapClient, build: str) -> None:
    async with standing(client, build, "values.rs", "stand", level=1) as here:
        locals_ = await here.locals()
        shown = {name: each["value"] for name, each in locals_.items()}
        number = (await here.evaluate("round"))["result"]
        assert {name: shown[name] for name in SHOWN} == SHOWN
        assert (shown["numbers"], shown["pointer"]) == (f"[1, 2, {number}]", f"&{number}")
        if build == "rust_values":
            assert {name: shown[name] for name in OPTIMIZED_OUT} == OPTIMIZED_OUT
        else:
            assert {shown[name] for name in OPTIMIZED_OUT} == {"<optimized out>"}
            assert not any(locals_[name]["variablesReference"] for name in OPTIMIZED_OUT)
        assert shown["ordered"].startswith("{0, 1, 2, ")
        assert shown["ordered"].endswith("(len 50)")


async def test_values_are_opened(client: DapClient) -> None:
    async with standing(client, "rust_values", "values.rs", "stand", level=1) as here:
        locals_ = await here.locals()
        assert await here.shown(locals_["circle"]) == {"radius": "1.5"}
        assert await here.shown(locals_["bad"]) == {"0": '"broken"'}
        assert await here.shown(locals_["tuple"]) == {"0": "1", "1": '"two"', "2": "3.0"}
        assert await here.shown(locals_["boxed"]) == {"name": '"Ada"', "age": "36", "tags": '["math", "code"]'}
        assert (await here.shown(locals_["speaker"]))["age"] == "36"
        assert await here.shown(locals_["prices"]) == {'["one"]': "1"}
        assert await here.shown(locals_["sorted"]) == {"[1]": '"a"', "[2]": '"b"'}
        assert await here.shown(locals_["queue"]) == {"[0]": "1", "[1]": "2", "[2]": "3"}
        assert await here.shown(locals_["ordered"], start=48, count=2) == {"[48]": "48", "[49]": "49"}
        assert await here.shown(locals_["borrowed"]) == {"[0]": "1", "[1]": "2"}
        assert locals_["numbers"]["type"] == "alloc::vec::Vec<u64>"
        for name in ("numbers", "queue", "sorted", "boxed", "speaker", "person", "circle"):
            for each in (await here.open(locals_[name])).values():
                assert (await here.evaluate(each["evaluateName"]))["result"] == each["value"]


async def test_values_are_set(client: DapClient) -> None:
    async with standing(client, "rust_values", "values.rs", "stand", level=1) as here:
        locals_ = await here.locals()
        scope = (await references(client, here.frame_id))["Locals"]
        for reference, name, value, shown in (
            (scope, "small", "7", "7"),
            (scope, "flag", "false", "false"),
            (scope, "text", '"käse"', '"käse"'),
            (locals_["numbers"]["variablesReference"], "[2]", "70", "70"),
            (locals_["prices"]["variablesReference"], '["one"]', "11", "11"),
            (locals_["circle"]["variablesReference"], "radius", "0.25", "0.25"),
            (locals_["person"]["variablesReference"], "age", "99", "99"),
        ):
            arguments = {"variablesReference": reference, "name": name, "value": value}
            assert (await client.request("setVariable", arguments))["value"] == shown
        again = {name: each["value"] for name, each in (await here.locals()).items()}
        assert again["circle"] == "Circle { radius: 0.25 }"
        assert again["numbers"] == "[1, 2, 70]"
        assert "age: 99" in again["person"]
        too_long = {"variablesReference": scope, "name": "text", "value": '"' + 90 * "x" + '"'}
        assert "this String has a capacity of" in str(await client.refused("setVariable", too_long))


async def test_what_gdbs_rust_cant_evaluate(client: DapClient) -> None:
    async with standing(client, "rust_values", "values.rs", "stand", level=1) as here:
        expected = {
            "big[999999]": "2999997",
            "person.tags[1]": '"code"',
            "boxed.tags[0]": '"math"',
            'prices["one"]': "1",
            "sorted[2]": '"b"',
            "names[77777]": '"n77777"',
            "queue[2]": "3",
        }
        for text, value in expected.items():
            assert (await here.evaluate(text, "hover"))["result"] == value
        assert "there is no [3] in numbers" in await here.refuses("numbers[3]")
        assert "nobody" in await here.refuses("nobody[1].name")
        wanted = {"expression": "numbers[1]", "value": "22", "frameId": here.frame_id}
        assert (await client.request("setExpression", wanted))["value"] == "22"
        assert (await here.evaluate("numbers"))["result"].startswith("[1, 22, ")
