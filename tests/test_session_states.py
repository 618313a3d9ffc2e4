import pytest
from support.dap_schema import SCHEMA_PRESENT, known_commands

from dapbridge.session_states import State, find_refusal


@pytest.mark.parametrize("state", State)
def test_cancel_is_taken_always(state: State) -> None:
    assert find_refusal(state, "cancel") is None


def test_every_command_of_dap_is_known() -> None:
    assert SCHEMA_PRESENT or not known_commands()
    reverse = {"runInTerminal", "startDebugging"}
    for command in set(known_commands()) - reverse - {"launch", "restart", "terminate", "terminateThreads"}:
        assert "unsupported" not in (find_refusal(State.INITIALIZED, command) or "")


def test_an_attached_target_takes_what_the_table_does_not_know() -> None:
    assert find_refusal(State.ATTACHED, "someExtension") is None
    assert find_refusal(State.CONFIGURING, "someExtension") == "unsupported request 'someExtension'"
