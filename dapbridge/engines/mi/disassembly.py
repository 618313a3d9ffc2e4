"""DAP `disassemble`."""
