"""lldb: what only LLDB can show: its users' own formatters."""

import pytest
from support.dap_client import DapClient
from support.standing import standing

pytestmark = pytest.mark.docker

# A formatter that a user brings: a long row of numbers.
FORMATTER = """
import lldb
class Children:
    def __init__(self, value, _):
        self._first = value.GetChildMemberWithName("value").GetValueAsSigned()
        self._made = value
    def num_children(self):
        return 1000000
    def get_child_at_index(self, index):
        return self._made.CreateValueFromExpression(f"[{index}]", str(self._first + index))
def summary(value, _):
    return f"node {value.GetNonSyntheticValue().GetChildMemberWithName('value').GetValueAsSigned()}"
"""


async def test_a_users_own_formatter_serves_also_a_long_row(client: DapClient) -> None:
    commands = [
        f"script import sys, types; users = types.ModuleType('users'); exec({FORMATTER!r}, vars(users)); "
        "sys.modules['users'] = users",
        "type synthetic add --python-class users.Children zoo::Node",
        "type summary add --expand --python-function users.summary zoo::Node",
    ]
    async with standing(client, "values", "values.cpp", "core", initCommands=commands) as here:
        second = (await here.locals())["second"]
        assert second["value"].startswith("node 2 = {2, 3, 4, ")
        assert second["indexedVariables"] == 1_000_000
        assert await here.shown(second, start=5000, count=2) == {"[5000]": "5002", "[5001]": "5003"}


async def test_llvms_library_reads_as_gccs_does(client: DapClient) -> None:
    async with standing(client, "libcxx", "libcxx.cpp", "libcxx") as here:
        locals_ = await here.locals()
        shown = {name: each["value"] for name, each in locals_.items() if name != "sum"}
        longer = shown.pop("longer")
        assert longer.endswith('x"…')
        assert await here.shown(locals_["longer"], start=0, count=1) == {"[0…299]": '"' + 300 * "x" + '"'}
        assert shown.pop("owner").startswith("std::unique_ptr<(anonymous namespace)::Node> = {get() = 0x")
        assert shown.pop("shared").startswith("std::shared_ptr<(anonymous namespace)::Node> = {get() = 0x")
        assert shown == {
            "word": '"wört"',
            "wide": 'L"wide"',
            "view": r'"w\xc3"',
            "row": "std::vector of length 3 = {1, 2, 3}",
            "flags": "std::vector of length 2 = {true, false}",
            "both": "std::array of length 2 = {4, 5}",
            "queue": "std::deque with 2 elements = {4, 5}",
            "chain": "std::list with 2 elements = {1, 2}",
            "ages": 'std::map with 2 elements = {["ada"] = 36, ["bob"] = 41}',
            "table": "std::unordered_map with 1 element = {[1] = 2}",
            "unique": "std::set with 2 elements = {1, 3}",
            "some": "std::optional = {[contained value] = 5}",
            "missing": "std::optional [no contained value]",
            "either": 'std::variant = {"text"}',
            "trio": "std::tuple = {[0] = 1, [1] = 2.5}",
        }
        assert await here.shown(locals_["ages"]) == {'["ada"]': "36", '["bob"]': "41"}
        pointee = (await here.open(locals_["owner"]))["get()"]
        assert (await here.shown(pointee))["value"] == "8"
        for text, value in {"row[1]": "2", "owner->value": "8", "(*shared).value": "9", "row.size()": "3"}.items():
            assert (await here.evaluate(text, "hover"))["result"] == value


async def test_any_page_of_llvms_library_comes_at_once(client: DapClient) -> None:
    async with standing(client, "libcxx", "libcxx.cpp", "libcxx") as here:
        numbers = await here.evaluate("numbers")
        assert numbers["indexedVariables"] == 1_000_000
        page = await here.shown(numbers, filter="indexed", start=999_900, count=100)
        assert page == {f"[{index}]": "7" for index in range(999_900, 1_000_000)}


async def test_rusts_own_formatters_serve_lldbs_commands(client: DapClient) -> None:
    async with standing(client, "rust_values", "values.rs", "stand", level=1) as here:
        await here.evaluate("`frame select 1", "repl")
        shown = (await here.evaluate("`frame variable text numbers some", "repl"))["result"]
        assert 'text = "grüße"' in shown
        assert "numbers = size=3 {" in shown
        # What the client sees is as without them.
        assert (await here.evaluate("some"))["result"] == "Some(5)"
