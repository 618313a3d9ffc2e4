"""What `dapbridge init` does: look at a target, and write a configuration for it where an editor finds it."""
