"""One reader for each format of probe sets: every line a question, or the reason for none."""
