"""Runs inside gdb: pretty-printers, which gdb would find only beside libraries of its own root."""

import sys

import gdb


def _register_libstdcxx() -> None:
    sys.path.insert(0, "/usr/share/gcc/python")
    from libstdcxx.v6.printers import register_libstdcxx_printers

    register_libstdcxx_printers(None)
    # They do in gdb what `numbers[1]` and `name.size()` would do in the target.
    from libstdcxx.v6.xmethods import register_libstdcxx_xmethods

    register_libstdcxx_xmethods(None)


def _register_rust() -> None:
    sys.path.insert(0, "/usr/lib/rustlib/etc")
    import gdb_lookup

    gdb_lookup.register_printers(gdb)


for register in (_register_libstdcxx, _register_rust):
    try:
        register()
    except Exception as error:  # noqa: BLE001 - a printer that is not there must not keep gdb from starting
        gdb.write(f"{register.__name__}: {error}\n", gdb.STDLOG)
