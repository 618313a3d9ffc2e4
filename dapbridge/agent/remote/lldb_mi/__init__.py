"""An MI server on LLDB's Python API (lldb ≥ 19). Runs in the sidecar: standard library and `lldb`.

`main` is where it begins. Commands are functions marked with `commands.mi_command`, in a module for each area, which is
named in `areas.AREAS`. All of them run in one thread, one after the other, between LLDB's events.
"""
