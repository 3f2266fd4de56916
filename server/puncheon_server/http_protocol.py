"""uvicorn's protocol on the C parser, with a limit for what comes before a body; gunicorn's own does not reach it."""

from __future__ import annotations

import json

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_BYTES = 65536
"""Request line and headers; nginx passes on at most 32 KiB of them."""

MESSAGE = json.dumps({"message": f"The request's headers are longer than {MOST_BYTES} bytes."}).encode()
REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(MESSAGE), MESSAGE)
)


class HTTPProtocol(HttpToolsProtocol):
    """A connection that is ended when a request's headers do not end."""

    _before_body = 0
    _is_before_body = True

    def on_message_begin(self) -> None:
        """Begin to count: the parser's, at the first byte of a request."""
        self._before_body, self._is_before_body = 0, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting: the parser's, at the last byte before the body."""
        self._is_before_body = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Asyncio's; what does not complete the headers counts."""
        super().data_received(data)
        if not self._is_before_body:
            return
        self._before_body += len(data)
        if self._before_body > MOST_BYTES and not self.transport.is_closing():
            self.transport.write(REFUSAL)
            self.transport.close()
