"""Does a model translate what only context, or the gender of a person, decides? Public test suites.

Read in this order: ``item`` (what a suite asks) → ``suites/`` (a reader for each suite) →
``answers`` (forced scores and translations of one model) → ``judging`` (which of them are right) →
``accuracy`` (figures, intervals, significance) → ``evaluation`` (the protocol) → ``report``.
"""
