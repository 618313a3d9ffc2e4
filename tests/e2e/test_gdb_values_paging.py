"""gdb: containers with very many elements open at once, and any page of them comes quickly.

How quickly is bench's to say; here a page from the far end must not cost a walk over all elements, told by the limit
that the debugger has for one answer.
"""

import pytest
from support.dap_client import DapClient
from support.standing import standing

pytestmark = pytest.mark.docker

MILLION = 1_000_000


@pytest.mark.shows("variables")
async def test_rows_of_a_million(client: DapClient) -> None:
    async with standing(client, "big", "big.cpp", "big") as here:
        rows = await here.locals() | {"squares": await here.evaluate("squares")}
        for name, factor in (("numbers", 3), ("queue", 5)):
            assert rows[name]["indexedVariables"] == MILLION
            assert "length 1000000" in rows[name]["value"] or "1000000 elements" in rows[name]["value"]
            page = await here.shown(rows[name], filter="indexed", start=MILLION - 100, count=100)
            assert page == {f"[{index}]": str(factor * index) for index in range(MILLION - 100, MILLION)}
        squares = await here.open(rows["squares"], filter="indexed", start=500_010, count=2)
        assert {name: each["value"] for name, each in squares.items()} == {"[500010]": "100", "[500011]": "121"}
        assert squares["[500011]"]["evaluateName"] == "squares[500011]"
        flags = await here.shown(rows["flags"], filter="indexed", start=999_999, count=1)
        assert flags == {"[999999]": "true"}


async def test_nodes_of_a_hundred_thousand(client: DapClient) -> None:
    async with standing(client, "big", "big.cpp", "big") as here:
        locals_ = await here.locals()
        for name in ("points", "names", "table", "unique", "chain"):
            assert locals_[name]["indexedVariables"] == MILLION // 10
        names = await here.shown(locals_["names"], start=99_998, count=2)
        assert names == {"[99998]": '"n99998"', "[99999]": '"n99999"'}
        # Back again, and beyond the end.
        assert await here.shown(locals_["names"], start=5, count=1) == {"[5]": '"n5"'}
        assert await here.shown(locals_["names"], start=100_000, count=5) == {}
        assert await here.shown(locals_["unique"], start=99_999, count=1) == {"[99999]": str(7 * 99_999)}
        assert await here.shown(locals_["chain"], start=99_999, count=1) == {"[99999]": str(9 * 99_999)}
        (entry,) = (await here.shown(locals_["table"], start=77_777, count=1)).items()
        assert int(entry[1]) == 2 * int(entry[0][1:-1])
        point = (await here.open(locals_["points"], start=99_999, count=1))["[99999]"]
        assert point["value"] == '{x = 99999, y = -99999, label = "p99999"}'
        assert (await here.shown(point))["y"] == "-99999"


async def test_filters_and_the_rest_behind_an_ellipsis(client: DapClient) -> None:
    async with standing(client, "big", "big.cpp", "big") as here:
        locals_ = await here.locals()
        assert await here.shown(locals_["numbers"], filter="named") == {}
        point = (await here.open(locals_["points"], start=0, count=1))["[0]"]
        assert await here.shown(point, filter="indexed") == {}
        assert list(await here.shown(point, filter="named")) == ["x", "y", "label"]
        page = await here.open(locals_["numbers"])
        assert len(page) == 1001
        again = await here.shown(page["…"])
        assert (next(iter(again)), again["[1999]"]) == ("[1000]", str(3 * 1999))


async def test_rusts_rows_and_maps(client: DapClient) -> None:
    async with standing(client, "rust_values", "values.rs", "stand", level=1) as here:
        big = await here.evaluate("big")
        assert big["indexedVariables"] == MILLION
        page = await here.shown(big, filter="indexed", start=MILLION - 2, count=2)
        assert page == {"[999998]": str(3 * 999_998), "[999999]": str(3 * 999_999)}
        names = await here.evaluate("names")
        assert names["indexedVariables"] == MILLION // 10
        found = await here.shown(names, filter="indexed", start=99_900, count=100)
        assert len(found) == 100
        assert all(value == f'"n{key[1:-1]}"' for key, value in found.items())
