"""gdb: C++ values of every kind, as they are shown and opened."""

import pytest
from support.dap_client import DapClient
from support.standing import standing

pytestmark = pytest.mark.docker

# A pretty-printer that a user brings: an endless row of numbers.
PRINTER = """
import gdb, itertools
class Printer:
    def __init__(self, value):
        self._first = int(value["value"])
    def to_string(self):
        return f"node {self._first}"
    def children(self):
        return ((str(n), n) for n in itertools.count(self._first))
    def display_hint(self):
        return "array"
gdb.pretty_printers.append(lambda value: Printer(value) if value.type.strip_typedefs().name == "zoo::Node" else None)
"""


async def test_simple_values_enums_and_functions(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core") as here:
        locals_ = await here.locals()
        shown = {name: each["value"] for name, each in locals_.items()}
        assert shown["number"] == "-5"
        assert shown["byte"] == "200"
        assert shown["letter"] == "113 'q'"
        assert (shown["flag"], shown["real"]) == ("true", "2.5")
        assert (shown["color"], shown["size"]) == ("zoo::BLUE", "zoo::Size::Large")
        assert shown["handler"].endswith("<zoo::twice(int)>")
        assert shown["text"].endswith(' "café"')
        assert shown["buffer"] == '"hello"'
        assert shown["matrix"] == "{{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}}"
        assert await here.shown((await here.open(locals_["matrix"]))["[1]"], start=2, count=1) == {"[2]": "7"}
        assert not locals_["handler"]["variablesReference"]
        assert locals_["text"]["presentationHint"]["attributes"] == ["rawString"]
        constant = (await here.open(locals_["twofold"]))["*twofold"]
        assert constant["presentationHint"]["attributes"] == ["constant"]


async def test_classes_have_bases_access_and_static_members(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core") as here:
        locals_ = await here.locals()
        dog = await here.open(locals_["dog"])
        assert dog["zoo::Animal"]["presentationHint"]["kind"] == "baseClass"
        assert dog["count"]["presentationHint"]["attributes"] == ["static"]
        assert (dog["count"]["value"], dog["good"]["value"]) == ("7", "true")
        animal = await here.open(dog["zoo::Animal"])
        assert (animal["name"]["value"], animal["secret"]["value"]) == ('"Rex"', "42")
        access = {name: each["presentationHint"].get("visibility") for name, each in animal.items()}
        expected = {"name": "public", "age": "protected", "secret": "private", "_vptr.Animal": "internal"}
        assert access == expected
        assert int(locals_["dog"]["memoryReference"], 16)
        for name, each in animal.items():
            if name != "_vptr.Animal":
                assert (await here.evaluate(each["evaluateName"]))["result"] == each["value"]


async def test_pointers_and_references_show_the_object_that_is_there(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core") as here:
        locals_ = await here.locals()
        assert locals_["animal"]["value"].startswith("(zoo::Dog *) 0x")
        for name in ("animal", "reference", "temporary"):
            inside = await here.open(locals_[name])
            assert inside["good"]["value"] == "true", name
            assert (await here.evaluate(inside["good"]["evaluateName"]))["result"] == "true"
            assert locals_[name]["memoryReference"] == locals_["dog"]["memoryReference"]
        twofold = await here.open(locals_["twofold"])
        assert (await here.shown(twofold["*twofold"]))["value"] == "2"


async def test_a_ring_of_pointers_opens_as_far_as_one_likes(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core") as here:
        node = await here.open((await here.locals())["ring"])
        seen = [node["value"]["value"]]
        for _ in range(5):
            node = await here.open(node["next"])
            seen.append(node["value"]["value"])
        assert len(set(seen[0::2])) == 1
        assert node["value"]["evaluateName"] == "ring.next->next->next->next->next->value"


async def test_null_dangling_and_opaque_pointers(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core") as here:
        locals_ = await here.locals()
        assert (locals_["none"]["value"], locals_["none"]["variablesReference"]) == ("0x0", 0)
        assert locals_["opaque"]["variablesReference"] == 0
        assert locals_["opaque"]["memoryReference"] == locals_["opaque"]["value"]
        (broken,) = (await here.open(locals_["dangling"])).values()
        assert broken["value"] == "<Cannot access memory at address 0x10>"


async def test_bit_fields_unions_and_members_without_a_name(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core") as here:
        locals_ = await here.locals()
        bits = await here.open(locals_["bits"])
        assert list(bits) == ["low", "high", "whole", "bytes", "left", "right"]
        assert (bits["low"]["value"], bits["whole"]["value"], bits["left"]["value"]) == ("5", str(0x01020304), "-2")
        assert await here.shown(bits["bytes"]) == {"[0]": "4", "[1]": "3", "[2]": "2", "[3]": "1"}
        assert (await here.evaluate(bits["left"]["evaluateName"]))["result"] == "-2"


async def test_this_is_opened(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "member") as here:
        assert (await here.shown(await here.evaluate("this")))["value"] == "1"
        assert (await here.evaluate("value"))["result"] == "1"


async def test_the_librarys_containers(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "library") as here:
        locals_ = await here.locals()
        opened = {
            name: await here.shown(locals_[name])
            for name in ("numbers", "flags", "triple", "queue", "chain", "single", "unique", "bag", "ages", "multi")
        }
        assert opened == {
            "numbers": {"[0]": "1", "[1]": "2", "[2]": "3"},
            "flags": {"[0]": "true", "[1]": "false", "[2]": "true"},
            "triple": {"[0]": "7", "[1]": "8", "[2]": "9"},
            "queue": {"[0]": "4", "[1]": "5", "[2]": "6"},
            "chain": {"[0]": "1", "[1]": "2"},
            "single": {"[0]": "3", "[1]": "4"},
            "unique": {"[0]": "1", "[1]": "2", "[2]": "3"},
            "bag": {"[0]": "5"},
            "ages": {'["ada"]': "36", '["bob"]': "41"},
            # The second of the two keys that are the same.
            "multi": {"[1]": "3"},
        }
        assert await here.shown(locals_["table"]) == {'["one"]': "1"}
        nested = await here.open(locals_["nested"])
        assert (await here.shown(nested["[{first = 1, second = 2}]"])) == {"[0]": "3"}
        assert locals_["numbers"]["value"] == "std::vector of length 3, capacity 3 = {1, 2, 3}"
        assert locals_["queue"]["value"] == "std::deque with 3 elements = {4, 5, 6}"
        for name in ("numbers", "queue", "chain", "ages"):
            for each in (await here.open(locals_[name])).values():
                assert (await here.evaluate(each["evaluateName"]))["result"] == each["value"]


async def test_the_librarys_other_types(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "library") as here:
        locals_ = await here.locals()
        shown = {name: each["value"] for name, each in locals_.items()}
        assert shown["some"].startswith("std::optional")
        assert shown["some"].endswith("{[contained value] = 5}")
        assert "no contained value" in shown["missing"]
        assert shown["either"].endswith('{"text"}')
        assert shown["couple"] == '{first = 1, second = "one"}'
        assert list((await here.shown(locals_["trio"])).values()) == ["1", "2.5", '"three"']
        for name, value in (("owner", "8"), ("shared", "9")):
            held = (await here.open(locals_[name]))["get()"]
            assert (await here.shown(held))["value"] == value
            assert held["type"] == "zoo::Node *"
        assert "use count 1" in shown["shared"]


async def test_garbage_neither_hangs_nor_hides_the_rest(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "library") as here:
        locals_ = await here.locals()
        garbage = locals_["garbage"]
        assert garbage["indexedVariables"] == 2**31 - 1
        assert "<Cannot access memory at address 0x1000>" in garbage["value"]
        page = await here.shown(garbage, start=2**30, count=2)
        assert all(each.startswith("<Cannot access memory") for each in page.values())
        # A list without an end, that says it has 2^60 elements.
        assert await here.shown(locals_["endless"], start=1000, count=2) == {"[1000]": "77", "[1001]": "77"}
        asked = here.client.send(
            "variables",
            {"variablesReference": locals_["endless"]["variablesReference"], "start": 2**30, "count": 1},
        )
        # Answered out of what is known already, when the other one is at work.
        await here.client.request("scopes", {"frameId": here.frame_id})
        await here.client.request("cancel", {"requestId": asked})
        with pytest.raises(Exception, match="cancelled"):
            await here.client.response(asked)
        (beyond,) = (await here.shown(locals_["endless"], start=2**30, count=1)).values()
        assert beyond in ("<not reached in time>", "<this has more than 2000000 nodes, if it has an end at all>")
        assert (await here.locals())["ages"]["value"] == locals_["ages"]["value"]


async def test_the_librarys_operators_need_no_call(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "library") as here:
        expected = {"numbers[1]": "2", "queue[2]": "6", "triple[0]": "7", "owner->value": "8", "(*shared).value": "9"}
        assert {text: (await here.evaluate(text, "hover"))["result"] for text in expected} == expected
        assert (await here.evaluate("numbers.size()"))["result"] == "3"


async def test_a_users_own_printer_serves_also_an_endless_row(client: DapClient) -> None:
    commands = [f"python exec({PRINTER!r})"]
    async with standing(client, "values", "values.cpp", "core", initCommands=commands) as here:
        second = (await here.locals())["second"]
        assert second["value"].startswith("node 2 = {2, 3, 4, ")
        assert "indexedVariables" not in second
        assert await here.shown(second, start=5000, count=2) == {"[5000]": "5002", "[5001]": "5003"}
        page = await here.open(second)
        assert len(page) == 1001
        assert next(iter(await here.shown(page["…"]))) == "[1000]"


async def test_what_optimization_has_left(client: DapClient) -> None:
    async with standing(client, "optimized", "optimized.c", "optimized") as here:
        locals_ = await here.locals()
        assert (locals_["result"]["value"], locals_["result"]["variablesReference"]) == ("<optimized out>", 0)
        left = await here.shown(await here.evaluate("left"))
        assert left["second"] == "7"
        right = await here.shown(await here.evaluate("right"))
        assert right["first"] == str(3 * int(left["first"]))
        # One of each, though the blocks of inlined code repeat them.
        assert not any("(line" in name for name in locals_)


async def test_pointers_to_what_is_in_registers_only(client: DapClient) -> None:
    async with standing(client, "optimized", "optimized.c", "optimized") as here:
        pointer = (await here.locals())["inner"]
        # The debug information knows what they point to.
        assert pointer["value"] == "<synthetic pointer>"
        inner = await here.shown(pointer)
        left = await here.shown(await here.evaluate("left"))
        assert left == {"first": inner["*inner"], "second": "7"}
