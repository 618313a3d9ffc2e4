"""Debugging without an editor: `dapbridge run` is a DAP client of sessions in its own process."""
