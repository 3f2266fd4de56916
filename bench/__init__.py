"""Side by side on one machine: servers (``make bench``, ``python -m bench``) and image builds (``bench/build.py``)."""
