"""gdb: texts: Unicode, NULs, what is no text, and very long ones; expressions' contexts and formats."""

import base64

import pytest
from support.dap_client import DapClient
from support.standing import standing

pytestmark = pytest.mark.docker


async def test_texts_of_every_encoding_lose_nothing(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "library") as here:
        shown = {name: each["value"] for name, each in (await here.locals()).items()}
        assert shown["empty"] == '""'
        assert shown["word"] == '"wört"'
        assert shown["nul"] == r'"a\0b"'
        assert shown["broken"] == r'"ok\xff\xfeend"'
        assert shown["wide"] == 'L"wïde€"'
        assert shown["sixteen"] == 'u"€uro"'
        assert shown["eight"] == 'u8"ä"'
        assert shown["snowman"] == "9731 U'☃'"
        assert shown["view"] == r'"w\xc3"'


@pytest.mark.shows("supportsClipboardContext", "evaluate", "readMemory")
async def test_a_long_text_is_cut_and_its_rest_is_found(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "library") as here:
        huge = (await here.locals())["huge"]
        assert huge["value"].endswith('x"…')
        assert len(huge["value"]) < 300
        pieces = await here.shown(huge, start=999, count=2)
        assert pieces["[999000…999999]"] == '"' + 1000 * "x" + '"'
        assert pieces["[1000000…1000002]"] == '"END"'
        whole = (await here.evaluate("huge", "clipboard"))["result"]
        assert whole == '"' + 1_000_000 * "x" + 'END"'
        place = {"memoryReference": huge["memoryReference"], "offset": 999_999, "count": 4}
        assert base64.b64decode((await client.request("readMemory", place))["data"]) == b"xEND"


async def test_the_clipboard_gets_the_whole_value(client: DapClient) -> None:
    async with standing(client, "big", "big.cpp", "big") as here:
        brief = (await here.evaluate("points", "watch"))["result"]
        whole = (await here.evaluate("squares[0]@500", "clipboard"))["result"]
        assert len(brief) < 1000
        assert whole == "{" + ", ".join(str(index * index) for index in range(500)) + "}"


@pytest.mark.shows("supportsValueFormattingOptions")
async def test_hex_is_for_the_request_that_asks_for_it(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core") as here:
        hexadecimal = {"format": {"hex": True}}
        locals_ = await here.locals(**hexadecimal)
        assert locals_["number"]["value"] == "0xfffffffb"
        assert locals_["bits"]["value"].startswith("{low = 0x5, high = 0x0, whole = 0x1020304")
        assert (await here.shown(locals_["bits"], **hexadecimal))["whole"] == "0x1020304"
        assert (await here.shown(locals_["bits"]))["whole"] == str(0x1020304)
        assert (await here.locals())["number"]["value"] == "-5"
        assert (await here.evaluate("(char)65 == letter", **hexadecimal))["result"] == "0x0"
        assert (await here.evaluate("number", **hexadecimal))["result"] == "0xfffffffb"
        assert (await here.evaluate("number"))["result"] == "-5"


async def test_format_specifiers(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core") as here:
        results = {text: (await here.evaluate(text))["result"] for text in ("byte,x", "byte,b", "byte,o", "letter,d")}
        assert results == {"byte,x": "0xc8", "byte,b": "11001000", "byte,o": "0310", "letter,d": "113"}
        first = await here.evaluate("&matrix[0][0],[6]")
        assert first["indexedVariables"] == 6
        assert list((await here.shown(first)).values()) == ["1", "2", "3", "4", "5", "6"]
        bits = await here.evaluate("bits,x")
        assert (await here.shown(bits))["whole"] == "0x1020304"
        # A comma in a text is no specifier.
        assert (await here.evaluate('"a,x"'))["result"].endswith('"a,x"')


@pytest.mark.shows("supportsEvaluateForHovers")
async def test_hovers_and_watches_change_nothing(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core") as here:
        for context in ("hover", "watch", "clipboard", "variables"):
            assert "only the debug console may do that" in await here.refuses("number = 7", context)
            assert "only the debug console may do that" in await here.refuses("number++", context)
            assert "may-call-functions is off" in await here.refuses("zoo::twice(4)", context)
        assert (await here.evaluate("number == -5 && letter != 'x'"))["result"] == "true"
        assert (await here.evaluate("zoo::twice(4)", "repl"))["result"] == "8"
        assert (await here.evaluate("number = 7", "repl"))["result"] == "7"
        await client.event("invalidated", areas=["variables"])
        assert (await here.evaluate("number"))["result"] == "7"
        assert "No symbol" in await here.refuses("nothing_like_it")


async def test_a_calls_result_is_opened_without_calling_again(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core") as here:
        ring = await here.evaluate("(ring.value = 70, ring)", "repl")
        assert (await here.shown(ring))["value"] == "70"
        assert (await here.evaluate("ring.value = 71", "repl"))["result"] == "71"
        await here.shown(ring)
        assert (await here.evaluate("ring.value"))["result"] == "71"


async def test_names_in_unicode_static_and_hidden_variables(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "names") as here:
        locals_ = await here.locals()
        assert (locals_["größe"]["value"], locals_["übung"]["value"]) == ("3", '"naïve"')
        assert (await here.evaluate("größe + 1"))["result"] == "4"
        wanted = {"expression": "größe", "value": "40", "frameId": here.frame_id}
        assert (await client.request("setExpression", wanted))["value"] == "40"
        assert "calls" in locals_
        (hidden,) = (name for name in locals_ if name.startswith("number (line "))
        assert (locals_["number"]["value"], locals_[hidden]["value"]) == ("2", "1")
        assert (await here.evaluate(locals_[hidden]["evaluateName"]))["result"] == "1"


async def test_keys_of_maps_are_names_in_every_format(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "library") as here:
        multi = (await here.locals())["multi"]
        page = await here.shown(multi, start=0, count=1, format={"hex": True})
        assert page == {"[1]": "0x2"}
        unique = await here.evaluate("unique,x")
        assert unique["result"] == "std::set with 3 elements = {0x1, 0x2, 0x3}"
        assert (await here.shown(unique))["[2]"] == "0x3"
