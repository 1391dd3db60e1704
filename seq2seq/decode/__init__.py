"""From source ids to target ids: beam search, greedy search, scores of given targets.

`search.decode` is the entrance; `options` says what may be asked for and what comes back.
"""
