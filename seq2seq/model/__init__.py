"""The encoder-decoder Transformer, in the Hub's own format."""
