"""DAP `gotoTargets`, `goto` and `stepInTargets`."""
