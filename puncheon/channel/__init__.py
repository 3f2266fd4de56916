"""A local conda channel: made where no conda channel answers, or filled by hand on a closed network.

``store`` fills the kit's ``conda/channel/`` from a cache outside the repository; ``cpython`` compiles an interpreter in
the base image and ``installation`` takes one that is there; ``interpreter`` makes either into a ``python`` package;
``pip_wheels`` makes ``pip``; ``package`` writes and reads packages, ``index`` indexes them.
"""

from __future__ import annotations
