"""DAP `setInstructionBreakpoints`."""
