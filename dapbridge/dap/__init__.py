"""The Debug Adapter Protocol, sans-I/O: framing, messages, connection."""
