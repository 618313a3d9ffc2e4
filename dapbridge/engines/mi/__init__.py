"""gdb and lldb through GDB/MI: one translator, a file per area of DAP, what differs in a dialect."""
