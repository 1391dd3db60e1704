"""The ``seq2seq`` command: each subcommand parses, calls one function and prints."""
