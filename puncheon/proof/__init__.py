"""The proof: the built image starts, answers the model's own input example on both ports, and stops.

What it found goes into a record beside the model; the record holds digests and shapes, never the data.
"""
