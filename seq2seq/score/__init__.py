"""Scoring: text in, a number with its interval and signature out; knows no model.

BLEU, chrF and TER are sacrebleu's, ROUGE is rouge-score's. The same code scores any system's
output, so our figures and other people's are comparable.
"""
