"""What training minimises: one interface, ``Criterion``, and what stands behind it.

The loop knows ``Criterion`` alone: it gives a micro-batch and gets the sum of its losses. Which
model learns, and what else than the next piece it is taught, is written here.
"""
