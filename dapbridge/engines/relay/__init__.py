"""The engine for debuggers that speak DAP themselves."""
