"""Turns a run into something that anybody can load: exports, model card, upload."""
