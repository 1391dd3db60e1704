"""What is asked: questions in a set's own format, and where their words lie in pieces."""
