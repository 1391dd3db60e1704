"""The metrics by their names, as Python users call them."""

from functools import partial

from seq2seq.score.measure import score

bleu = partial(score, "bleu")
chrf = partial(score, "chrf")
chrf_words = partial(score, "chrf++")
ter = partial(score, "ter")
