"""DAP `completions`: expressions and the debugger's commands."""
