"""Your editor's debugger inside any running container, without touching it."""

__version__ = "0.1.0"
