"""The classes that a ``logging.json`` made after azureml-inference-server-http's own names."""

from __future__ import annotations

import logging
import time


class RootAccessFilter(logging.Filter):
    """Leaves out lines about the probe."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is written."""
        return "GET / HTTP/1.1" not in record.getMessage()


class AMLLogFormatter(logging.Formatter):
    """A formatter whose times are UTC."""

    converter = time.gmtime
