"""The built-in corpus of balanced pronoun items, and the item type that the probe shares."""
