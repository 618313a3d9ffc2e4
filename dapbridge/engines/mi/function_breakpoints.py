"""DAP `setFunctionBreakpoints`."""
