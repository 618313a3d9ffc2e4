"""DAP `dataBreakpointInfo` and `setDataBreakpoints`: the hardware's watchpoints."""
