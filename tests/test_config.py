import json
from typing import Any

import pytest

from dapbridge.config import AttachConfig, SidecarConfig, SubstitutePathRule, parse_attach, warnings
from dapbridge.errors import UserError


def parse(**attributes: Any) -> AttachConfig:
    return parse_attach({"target": "api", **attributes})


def refusal(arguments: dict[str, Any]) -> str:
    with pytest.raises(UserError) as caught:
        parse_attach(arguments)
    return str(caught.value)


def test_only_the_target_is_required() -> None:
    assert parse_attach({"target": "api"}) == AttachConfig(target="api")


def test_every_attribute_is_read() -> None:
    config = parse_attach(
        {
            "target": " docker://api ",
            "process": "worker",
            "engine": "gdb",
            "program": "/ws/out/api.debug",
            "substitutePath": [{"from": "/ws", "to": "/build"}, {"from": "", "to": "/x"}],
            "sourceRequest": False,
            "stopOnEntry": True,
            "followFork": "both",
            "readOnly": True,
            "maxPause": 2,
            "callTimeout": 0.5,
            "sidecar": {
                "image": "my/sidecar",
                "pull": "never",
                "user": "1000:1000",
                "capAdd": ["SYS_PTRACE"],
                "platform": "linux/arm64",
            },
            "signals": {"usr1": "stop", "10": "pass", "SIGRTMIN+2": "ignore"},
            "initCommands": ["set print pretty on"],
            "attachCommands": ["info threads"],
            "exitCommands": [],
        }
    )
    assert config == AttachConfig(
        target="docker://api",
        process="worker",
        engine="gdb",
        program="/ws/out/api.debug",
        substitute_path=(SubstitutePathRule(from_="/ws", to="/build"), SubstitutePathRule(from_="", to="/x")),
        source_request=False,
        stop_on_entry=True,
        follow_fork="both",
        read_only=True,
        max_pause=2,
        call_timeout=0.5,
        sidecar=SidecarConfig(
            image="my/sidecar", pull="never", user="1000:1000", cap_add=("SYS_PTRACE",), platform="linux/arm64"
        ),
        signals={"SIGUSR1": "pass", "SIG36": "ignore"},
        init_commands=("set print pretty on",),
        attach_commands=("info threads",),
        exit_commands=(),
    )


def test_null_counts_as_left_out() -> None:
    assert parse(process=None, engine=None, substitutePath=None, sidecar={"user": None}) == AttachConfig(target="api")


def test_a_dlv_that_runs_already_needs_no_target() -> None:
    config = parse_attach({"delve": {"address": "localhost:8000"}})
    assert (config.delve.address, config.target) == ("localhost:8000", "dlv at localhost:8000")


@pytest.mark.parametrize("address", ["8000", "localhost:", "host name:1", ""])
def test_where_dlv_listens_is_a_host_and_a_port(address: str) -> None:
    assert refusal({"delve": {"address": address}}).startswith('"delve.address": expected "HOST:PORT", got ')


def test_what_clients_add_is_let_through() -> None:
    assert parse(name="Attach", type="dapbridge", request="attach", __sessionId="4711") == AttachConfig(target="api")


@pytest.mark.parametrize("target", [{}, {"target": None}])
def test_a_missing_target_is_refused_with_an_example(target: dict[str, Any]) -> None:
    assert refusal(target) == (
        '"target" is missing: name the container, e.g. "target": "api", or a process, "target": "pid://4242"'
    )


@pytest.mark.parametrize(("given", "process"), [(7, 7), ("7", 7), ("^/app/worker", "^/app/worker"), ("٣", "٣")])
def test_a_process_is_a_pid_or_a_pattern(given: int | str, process: int | str) -> None:
    assert parse(process=given).process == process


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"target": "  "},
        '"target": expected a container\'s name, e.g. "api", or a target URI, e.g. "pid://4242", got "  "',
    ),
    ({"target": 5}, '"target": expected a container\'s name, e.g. "api", or a target URI, e.g. "pid://4242", got 5'),
    ({"engine": "gbd"}, '"engine": expected "auto", "gdb", "lldb" or "delve", got "gbd"'),
    (
        {"substitutePath": 5},
        '"substitutePath": expected a list of {"from": client prefix, "to": target prefix}, or "auto", got 5',
    ),
    (
        {"substitutePath": [{"from": "/ws"}]},
        '"substitutePath": expected a list of {"from": client prefix, "to": target prefix}, or "auto", '
        'got [{"from": "/ws"}]',
    ),
    (
        {"substitutePath": [{"from": "/ws", "to": "/b", "too": "/c"}]},
        '"substitutePath": expected a list of {"from": client prefix, "to": target prefix}, or "auto", '
        'got [{"from": "/ws", "to": "/b", "too": "/c"}]',
    ),
    (
        {"process": 0},
        '"process": expected a pid inside the target, or a name or regular expression over its command lines, got 0',
    ),
    (
        {"process": True},
        '"process": expected a pid inside the target, or a name or regular expression over its command lines, got true',
    ),
    (
        {"process": ""},
        '"process": expected a pid inside the target, or a name or regular expression over its command lines, got ""',
    ),
    (
        {"process": "api("},
        '"process": "api(" is no regular expression: missing ), unterminated subpattern at position 3',
    ),
    (
        {"processId": 7},
        '"processId": dapbridge calls it "process": '
        "a pid inside the target, or a name or regular expression over its command lines",
    ),
    ({"maxPause": -1}, '"maxPause": expected a number of seconds, 0 for no limit, got -1.0'),
    ({"maxPause": float("inf")}, '"maxPause": expected a number of seconds, 0 for no limit, got Infinity'),
    ({"maxPause": float("nan")}, '"maxPause": expected a number of seconds, 0 for no limit, got NaN'),
    ({"callTimeout": -1}, '"callTimeout": expected a number of seconds, 0 for no limit, got -1.0'),
    ({"maxPause": "10"}, '"maxPause": expected a number of seconds, 0 for no limit, got "10"'),
    ({"followFork": "all"}, '"followFork": expected "parent", "child" or "both", got "all"'),
    ({"stopOnEntry": "true"}, '"stopOnEntry": expected true or false, got "true"'),
    ({"initCommands": "info threads"}, '"initCommands": expected a list of debugger commands, got "info threads"'),
    ({"sidecar": "my/image"}, '"sidecar": expected an object, e.g. {"image": "my/sidecar"}, got "my/image"'),
    ({"sidecar": {"cap_add": []}}, '"sidecar": unknown attribute "cap_add"; did you mean "capAdd"?'),
    (
        {"sidecar": {"privileged": True}},
        '"sidecar": unknown attribute "privileged"; there are image, pull, user, capAdd, platform',
    ),
    ({"sidecar": {"pull": "sometimes"}}, '"sidecar.pull": expected "missing", "always" or "never", got "sometimes"'),
    ({"sidecar": {"user": "1000:"}}, '"sidecar.user": expected a text: "1000", "1000:1000" or "root", got "1000:"'),
    *(
        (
            {"signals": wrong},
            '"signals": expected an object, e.g. {"SIGUSR1": "stop"}; each signal with "stop", "pass" or "ignore", '
            f"got {json.dumps(wrong)}",
        )
        for wrong in (
            {"SIGNOTHING": "stop"},
            {"SIGUSR1": "halt"},
            {"SIGINT": "pass"},
            {"33": "stop"},
            {"SIGRTMIN+99": "stop"},
            ["SIGUSR1"],
        )
    ),
    ({"sidecar": {"user": 1000}}, '"sidecar.user": expected a text: "1000", "1000:1000" or "root", got 1000'),
]


@pytest.mark.parametrize(("attributes", "text"), REFUSED)
def test_a_wrong_value_is_refused_with_its_attribute_and_what_is_expected(
    attributes: dict[str, Any], text: str
) -> None:
    assert refusal({"target": "api", **attributes}) == text


def test_a_long_value_is_cut() -> None:
    text = refusal({"target": "api", "engine": "x" * 5000})
    assert len(text) < 200
    assert text.endswith("…")


@pytest.mark.parametrize("user", ["0", "root", "1000:1000", "www-data", "app:staff"])
def test_the_forms_of_a_sidecars_user(user: str) -> None:
    assert parse(sidecar={"user": user}).sidecar.user == user


@pytest.mark.parametrize(
    ("attribute", "meant"),
    [
        ("subsitutePath", "substitutePath"),
        ("substitute_path", "substitutePath"),
        ("SubstitutePath", "substitutePath"),
        ("targt", "target"),
        ("maxpause", "maxPause"),
        ("sourceFileMap", "substitutePath"),
        ("setupCommands", "initCommands"),
        ("containerName", "target"),
    ],
)
def test_a_misspelt_or_foreign_attribute_is_warned_of(attribute: str, meant: str) -> None:
    assert warnings({"target": "api", attribute: 1}) == [f"unknown attribute '{attribute}'; did you mean '{meant}'?"]


def test_what_clients_add_and_delve_knows_is_not_warned_of() -> None:
    silent = [
        "name",
        "type",
        "request",
        "__configurationTarget",
        "__sessionId",
        "__restart",
        "debugServer",
        "noDebug",
        "restart",
        "presentation",
        "preLaunchTask",
        "postDebugTask",
        "internalConsoleOptions",
        "goroutineFilters",
        "showGlobalVariables",
        "hideSystemGoroutines",
        "stackTraceDepth",
        "backend",
        ":dap-server-path",
        "env",
        "whatever",
    ]
    assert warnings({"target": "api", **dict.fromkeys(silent, 1)}) == []


def test_a_variable_that_the_editor_left_is_warned_of() -> None:
    arguments = {"target": "api", "substitutePath": [{"from": "${workspaceFolder}/src", "to": "/build"}]}
    assert warnings(arguments) == [
        "'substitutePath' still contains ${workspaceFolder}: the editor has put nothing in its place"
    ]
