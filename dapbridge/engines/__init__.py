"""Our drivers of debuggers."""
