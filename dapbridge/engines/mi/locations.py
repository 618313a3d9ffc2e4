"""DAP `locations`: where a variable or its type was declared."""
