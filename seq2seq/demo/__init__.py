"""A page on this machine where people try models: write, edit, compare, look inside."""
