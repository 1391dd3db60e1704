"""Draws attention: arrays and strings in, SVG and one offline page out. Knows no model."""
