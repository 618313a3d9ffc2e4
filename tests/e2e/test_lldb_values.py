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
