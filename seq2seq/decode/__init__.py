"""From source ids to target ids: beam search, greedy search, scores of given targets.

All of it works on one batch; `seq2seq.engines.native.NativeEngine` is the entrance. `options` says
what may be asked for and what comes back.
"""
