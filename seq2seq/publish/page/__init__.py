"""A page on which one model writes and shows its attention.

It is made of gradio, langcodes, sentencex, torch and transformers.

A Space of the Hub is a copy of this folder, so its files import each other by relative names and
nothing else of seq2seq; ``sentences.py`` alone does, and a Space has what that imports.
"""
