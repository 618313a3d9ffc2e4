"""DAP `modules` and the `module` event."""
