"""Public test suites: one reader for each, and one kind of item for all."""
