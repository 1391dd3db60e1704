"""Speed on this machine, measured with the project's own programs and beside others'."""
