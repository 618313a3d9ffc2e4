"""DAP `breakpointLocations`."""
