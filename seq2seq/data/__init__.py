"""Raw text in, batches of numbers out."""
