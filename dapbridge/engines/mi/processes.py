"""DAP `process` event; fork and exec."""
