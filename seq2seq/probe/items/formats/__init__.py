"""Readers of probe sets in their own formats, each line one question or the reason for none."""
