"""A page on which one model writes and shows its attention.

It is made of gradio, sentencex, torch and transformers.

This folder stands alone: a Space of the Hub is a copy of it, so its files import each other by
relative names and nothing else of seq2seq.
"""
