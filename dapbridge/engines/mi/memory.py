"""DAP `readMemory` and `writeMemory`."""
