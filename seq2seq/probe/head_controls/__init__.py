"""What a chosen head must beat: rules, its habit, sets without an answer; not controls of causes.

Those of a knock-out stand in ``probe/causes/matched_words.py``. A figure of the head beside its
accuracy is a field of ``ControlFigure`` in ``head.py``; a rule that looks at no attention is a
``Baseline`` of ``baselines.py``; files of sentences are found by ``probe/items/companion_sets.py``.
"""
