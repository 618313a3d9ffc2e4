"""`dapbridge stacks` and `watch`: all threads' stacks of a process, for which it stands still but for a moment."""
