"""Scripts with raw HTTP access, and those that return responses of their own."""

from __future__ import annotations

from tests.differential.cases import ABSENT, JSON, get, post
from tests.differential.differences import with_ids

PARTS = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\ntext\r\n--b--\r\n'

RAW = (
    post("raw", "JSON", {"a": 1}, path="/score?b=1&b=2"),
    post("raw", "text", "text", ("Content-Type", "text/plain"), ("X-Some", "1"), ("Cookie", "a=1")),
    post("raw", "not UTF-8", b"\xff"),
    post("raw", "nothing", b""),
    get("raw", "a query", "/score?b=%C3%A4&c"),
    get("raw", "head", "/score", method="HEAD"),
    get("raw", "options", "/score", method="OPTIONS"),
    get("raw", "put", "/score", method="PUT", body=b"", differs="ids everywhere", ours=with_ids()),
    get("raw", "delete", "/score", method="DELETE", differs="ids everywhere", ours=with_ids()),
    get("raw", "patch", "/score", method="PATCH", body=b"", differs="ids everywhere", ours=with_ids()),
    post("raw", "a header twice", "a", ("X-Some", "1"), ("X-Some", "2")),
    post("raw", "a body back", b"\x89PNG\xff", path="/score?answer=body"),
    post("raw", "a form", "a=1&b=2", ("Content-Type", "application/x-www-form-urlencoded"), path="/score?answer=form"),
    post("raw", "a file", PARTS, ("Content-Type", "multipart/form-data; boundary=b"), path="/score?answer=form"),
    post("raw", "read as JSON", {"a": [1]}, path="/score?answer=read%20json"),
    post("raw", "read as JSON without a type", '{"a": [1]}', path="/score?answer=read%20json"),
    post("raw", "ids of a client", "a", ("x-request-id", "A"), path="/score?answer=own%20ids"),
    *(
        get("raw", f"an answer of {name}", "/score?answer=" + name.replace(" ", "%20"))
        for name in (
            "body", "bytes", "json", "none", "jsonify", "cookies", "redirect", "unavailable", "teapot", "own ids",
            "empty", "value", "raise",
        )
    ),
    get(
        "raw", "an answer of a generator", "/score?answer=generator", differs="generator",
        ours={"transfer-encoding": ABSENT, "content-length": "2"},
    ),
    get("raw", "head of an answer with a body", "/score?answer=jsonify", method="HEAD"),
    get("raw", "head of a failure", "/score?answer=raise", method="HEAD"),
)  # fmt: skip

RESPONSES = (
    *(
        post("responses", name, name)
        for name in (
            "text", "created", "jsonify", "client's mistake", "failure", "flask failure", "says that it failed",
            "many headers", "anything else",
        )
    ),
    post("responses", "what the request is", "the request", ("X-Some", "1")),
    post("responses", "with the client's id", "text", JSON, ("x-request-id", "A"), ("x-ms-client-request-id", "C")),
)  # fmt: skip

TABLE = RAW + RESPONSES
