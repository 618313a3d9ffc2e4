"""The engines that the end-to-end tests run with, and the one table of what doesn't apply to one of them, and why.

A test of this table is run with gdb alone; with lldb it is reported as expected to fail, with its reason, and not run.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import pytest

current: ContextVar[str] = ContextVar("engine", default="gdb")
"""The engine of the test that runs now."""

sidecar: ContextVar[str | None] = ContextVar("sidecar", default=None)
"""The image of the sidecars of the test that runs now; None for dapbridge's own."""

_MATRIX = frozenset(
    [
        "test_debugger_ends.py",
        "test_lost_sidecar.py",
        "test_main_job.py",
        "test_many_editors.py",
        "test_null_pointers.py",
        "test_rust.py",
        "test_session_ends.py",
        "test_target_ends.py",
        "test_targets.py",
    ]
)
_LLDB_ONLY = "test_lldb_"
"""How modules begin that are about lldb alone."""

_HOSTS = "the host's own gdb"

_GDB_ONLY: dict[str, str] = {
    "test_gdb_threads.py::test_listing_500_threads_takes_less_than_mis_own_list": "measures gdb against gdb",
    "test_gdb_code_on_this_host.py": _HOSTS,
    "test_gdb_looking_on_this_host.py": _HOSTS,
    "test_gdb_steps_on_this_host.py": _HOSTS,
    "test_gdb_values_on_this_host.py": _HOSTS,
    "test_gdb_data_breakpoints.py::test_the_hosts_own_gdb_watches_too": _HOSTS,
    "test_gdb_exceptions.py::test_the_hosts_own_gdb_knows_exceptions_too": _HOSTS,
    "test_gdb_exec.py::test_the_hosts_own_gdb_follows_an_exec_too": _HOSTS,
    "test_gdb_forks.py::test_the_hosts_own_gdb_follows_forks_too": _HOSTS,
    "test_gdb_logpoints.py::test_the_hosts_own_gdb": _HOSTS,
    "test_gdb_data_breakpoints.py::test_a_program_that_is_loaded_anywhere_is_watched_once_attached": _HOSTS,
    "test_gdb_exceptions.py::test_a_run_time_library_without_probes_will_do": _HOSTS,
    "test_targets.py::test_a_process_of_this_host": _HOSTS,
    "test_targets.py::test_a_killed_bridge_lets_a_process_of_this_host_go": _HOSTS,
}
"""Modules and tests that are about gdb alone, and why: they aren't run with lldb, nor counted."""

_NO_RECORD = "LLDB 19 can't record a process and go back"
_ONE_PROCESS = "LLDB follows one process alone (followFork is refused)"
_NO_HARDWARE = "lldb-server has no hardware breakpoints for code on x86-64: no modes are advertised"

LLDB_CANNOT: dict[str, str] = {
    "test_gdb_values_cpp.py::test_a_users_own_printer_serves_also_an_endless_row": "a printer of gdb's; "
    "test_lldb_values.py has a formatter of LLDB's, whose rows have an end",
    "test_gdb_values_cpp.py::test_what_optimization_has_left": "LLDB breaks at a line's first instruction, "
    "gdb at the first that begins a statement (LLDB's API doesn't tell it): only there these variables have places",
    "test_gdb_values_cpp.py::test_pointers_to_what_is_in_registers_only": "LLDB can't read DW_OP_implicit_pointer",
    "test_gdb_breakpoints.py::test_a_breakpoint_in_either_mode_is_hit": _NO_HARDWARE,
    "test_gdb_logpoints.py::test_a_log_point_in_hardware": _NO_HARDWARE,
    "test_gdb_threads.py::test_threads_that_last_no_time_are_told_in_order": "lldb-server tells of no thread while the "
    "target runs; the kernel's list, which is looked at then, shows those that last",
    "test_gdb_forks.py::test_a_watchpoint_kills_nobody_who_is_not_debugged": _ONE_PROCESS,
    "test_gdb_forks.py::test_helpers_are_started_while_other_threads_meet_breakpoints": _ONE_PROCESS,
    "test_gdb_forks.py::test_the_debugger_can_go_with_the_child": _ONE_PROCESS,
    "test_gdb_forks.py::test_the_childs_end_ends_a_session_that_went_with_it": _ONE_PROCESS,
    "test_gdb_forks.py::test_a_child_is_let_go_when_the_bridge_is_killed": _ONE_PROCESS,
    "test_gdb_forks.py::test_a_vforks_child_runs_on_untouched_also_where_both_are_debugged": _ONE_PROCESS,
    "test_gdb_forks.py::test_both_processes_are_debugged": _ONE_PROCESS,
    "test_gdb_forks.py::test_one_process_end_is_not_the_sessions_where_both_are_debugged": _ONE_PROCESS,
    "test_gdb_forks.py::test_children_by_the_dozen_come_and_go_where_both_are_debugged": _ONE_PROCESS,
    "test_gdb_forks.py::test_every_process_is_let_go_at_whatever_end": _ONE_PROCESS,
    "test_gdb_logpoints.py::test_children_end_as_they_do_without_log_points": _ONE_PROCESS,
    "test_gdb_breakpoint_limits.py::test_too_many_hardware_breakpoints_let_a_running_target_run": _NO_HARDWARE,
    "test_gdb_breakpoint_limits.py::test_too_many_hardware_breakpoints_are_told_when_a_standing_target_goes_on": (
        _NO_HARDWARE
    ),
    "test_gdb_reverse.py": _NO_RECORD,
    "test_gdb_reverse_threads.py": _NO_RECORD,
}
"""Modules ("file.py") and tests ("file.py::test") that don't apply to lldb, and why."""


def is_in_matrix(file: str) -> bool:
    """Tell whether a module's tests are run with each engine; the others choose theirs, or need none."""
    return file.startswith(("test_gdb_", _LLDB_ONLY)) or file in _MATRIX


def parameters(file: str, test: str, wanted: Sequence[str]) -> list[Any]:
    """Return the values of the fixture `engine` for a test."""
    found: list[Any] = []
    for engine in wanted:
        if engine == "gdb":
            if not file.startswith(_LLDB_ONLY):
                found.append(engine)
        elif file not in _GDB_ONLY and f"{file}::{test}" not in _GDB_ONLY:
            reason = LLDB_CANNOT.get(file) or LLDB_CANNOT.get(f"{file}::{test}")
            marks = [pytest.mark.xfail(reason=f"{engine}: {reason}", run=False)] if reason else []
            found.append(pytest.param(engine, marks=marks))
    return found
