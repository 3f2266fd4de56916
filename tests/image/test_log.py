"""The container's one log: every request leaves a line, and every line is whole."""

from __future__ import annotations

import http.client
import re
import threading

from tests.image.running import Running, wait_until

CALLERS = 8
EACH = 250
LINE = re.compile(
    r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d access: [\d.]+ "POST /score HTTP/1\.1" 400 \d+ B [\d.]+ s '
    r"\(server [\d.]+ s\) (log-\d+-\d+)"
)


def test_no_line_is_lost_and_none_is_torn(service: Running) -> None:
    """Each of 2,000 requests from eight callers at once is there, by its id."""
    address = service.address

    def call(caller: int) -> None:
        connection = http.client.HTTPConnection(address, 5000, timeout=30)
        for number in range(EACH):
            connection.request("POST", "/score", b"{}", {"X-Request-Id": f"log-{caller}-{number}"})
            connection.getresponse().read()
        connection.close()

    callers = [threading.Thread(target=call, args=(caller,)) for caller in range(CALLERS)]
    for one in callers:
        one.start()
    for one in callers:
        one.join()

    def logged() -> list[str]:
        return [found[1] for line in service.log().splitlines() if (found := LINE.fullmatch(line))]

    wait_until(lambda: len(logged()) >= CALLERS * EACH, limit_s=10, what="a line for each request")
    assert {f"log-{caller}-{number}" for caller in range(CALLERS) for number in range(EACH)} == set(logged())
