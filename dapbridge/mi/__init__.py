"""GDB/MI, sans-I/O: commands, records, connection (GDB manual, "The GDB/MI Interface")."""
