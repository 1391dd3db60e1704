"""Train translation and summarization models, score them honestly, and look inside them."""

__version__ = "0.1.0"
