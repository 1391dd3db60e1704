"""The translation and summarization pipelines of transformers 4, for transformers 5."""
