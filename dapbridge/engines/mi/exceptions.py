"""DAP `setExceptionBreakpoints` and `exceptionInfo`: C++ exceptions, Rust panics, signals."""
