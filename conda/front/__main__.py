"""Where ``python -I -S <this folder>`` begins; the launcher ``conda`` calls it so."""

from __future__ import annotations

import sys

from conda_front.command import main

sys.exit(main())
