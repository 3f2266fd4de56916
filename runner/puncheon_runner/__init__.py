"""The runner: loads an entry script, keeps N worker processes alive, answers frames of requests on Unix sockets.

Standard library only, Python 3.7 to 3.14: it runs in the model's own environment and must never ask anything of it.
"""
