"""Scripts whose run() is not decorated: bodies, queries, headers, and whatever run() returns or raises."""

from __future__ import annotations

from tests.differential.cases import JSON, get, post, query
from tests.differential.differences import failed, refused, with_ids, written

TEXT = ("Content-Type", "text/plain; charset=latin-1")
CSV = ("Content-Type", "text/csv")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
MULTIPART = ("Content-Type", "multipart/form-data; boundary=b")

BODIES = (
    post("echo", "an object", {"input_data": [[1, 2]]}),
    post("echo", "a list", [1, 2]),
    post("echo", "no JSON", "{bad", JSON),
    post("echo", "an empty body", b""),
    post("echo", "an empty body of JSON", b"", JSON),
    post("echo", "a space", b" "),
    post("echo", "null", b"null", JSON),
    post("echo", "lines", "a\r\nb\n", TEXT),
    post("echo", "no type", '{"a": 1}'),
    post("echo", "text", '{"a": "ä"}', TEXT),
    post("echo", "CSV", "a,b\n1,2\n", CSV),
    post("echo", "another kind of JSON", '{"a": 1}', ("Content-Type", "application/problem+json")),
    post("echo", "bytes of any kind", "abc", ("Content-Type", "application/octet-stream")),
    post("echo", "a form", "a=1&b=2", FORM, differs="form", ours={"body": b'{"got": "a=1&b=2", "type": "str"}'}),
    post(
        "echo", "a form of parts", "--b--", MULTIPART, differs="form", ours={"body": b'{"got": "--b--", "type": "str"}'}
    ),
    post("echo", "a type that is none", "abc", ("Content-Type", "nonsense")),
    post("echo", "text beyond ASCII", "ä€😀", JSON),
    post("echo", "a byte order mark", b"\xef\xbb\xbf{}", JSON),
    post("echo", "a zero", b"a\0b", TEXT),
    post("echo", "escapes", '"\\u00e4\\ud83d\\ude00"', JSON),
    post("echo", "not UTF-8", b"\xff\xfe", JSON),
    post("echo", "not UTF-8 at its end", b'{"a": "\xc3', JSON),
    post("echo", "a lone surrogate", b'"\xed\xa0\x80"', JSON),
    post("echo", "deep nesting", "[" * 5000, JSON),
    post("echo", "a long body", "x" * 300_000, TEXT),
    post("echo", "a number of any size", "1" * 5000, JSON),
    post("echo", "a query beside the body", "body", path="/score?a=1"),
    post("echo", "an accepted type that there is not", "a", ("Accept", "text/html")),
    post("echo", "an encoding that is accepted", "a", ("Accept-Encoding", "gzip")),
    post("two parameters", "data alone", "a"),
    get("two parameters", "a query that names both", "/score?data=1&more=2"),
    post("driver", "data", "a"),
)

QUERIES = (
    *(
        get("echo", f"a query of {about}", path)
        for about, path in {
            "nothing": "/score",
            "a question mark": "/score?",
            "the reference's own example": "/score?a=1&b=[1,2]&c=a&d=null",
            "its second": "/score?foo=bar1&foo=bar2&x=y",
            "every kind": "/score?a=1&b=x&c=1&c=[2]&d=null&e=true&f=1.50&g={%22a%22:1}",
            "a blank value": "/score?a=",
            "a name alone": "/score?a",
            "a name that is blank": "/score?=1",
            "a plus": "/score?a=x+y",
            "escapes": "/score?input_data=%5B%5B5.1%2C3.5%5D%5D",
            "text beyond ASCII": query(a="ä€😀"),
            "bytes that are no UTF-8": "/score?a=%ff",
            "ampersands": "/score?&&a=1&&",
            "a semicolon": "/score?a=1;b=2",
            "an equals sign in a value": "/score?a=b=c",
            "a percent sign alone": "/score?a=100%",
            "quotes": "/score?a=%22x%22",
            "a number with spaces": "/score?a=%201%20",
            "an exponent": "/score?a=1e3",
            "a large number": f"/score?a={2**70}",
            "names in other cases": "/score?A=1&a=2",
            "names in another order": "/score?b=1&a=2&b=3",
            "a fraction of many digits": "/score?a=0.12345678901234567890",
            "a duplicate key within": "/score?a={%22b%22:1,%22b%22:2}",
        }.items()
    ),
    get("echo", "a query that names NaN", "/score?a=NaN"),
    get("echo", "a body beside a query", "/score?a=1", JSON, body=b"ignored"),
)

RETURNED = tuple(
    post("values", name, name)
    for name in (
        "none", "true", "whole", "large", "real", "tiny", "text", "empty text", "json text", "text beyond ASCII",
        "surrogate", "controls", "list", "empty list", "tuple", "object", "whole keys", "tuple keys", "anything",
        "holds itself", "raise", "raise without words", "scalar", "uuid",
    )
)  # fmt: skip

RETURNED_OTHERWISE = (
    *(
        post("values", name, name, differs="NaN", ours={"body": body})
        for name, body in {
            "nan": b"null",
            "infinities": b"[null, null]",
            "nan within": b'{"a": [1.0, null]}',
        }.items()
    ),
    *(
        post("values", name, name, differs="values", ours=written(body))
        for name, body in {
            "bytes": b'"YWJj"',
            "set": b"[1]",
            "frame": b'[{"a": 1, "b": 0.5}, {"a": 2, "b": null}]',
            "series": b"[1, 2]",
            "array": b"[[1, 2], [3, 4]]",
            "array with gaps": b"[1.5, null]",
            "numpy whole": b"3",
            "numpy in a list": b"[0.5]",
            "moment": b'"2024-01-02T03:04:05"',
            "date": b'"2024-01-02"',
            "decimal": b"0.5",
        }.items()
    ),
    post("values", "refuse", "refuse", differs="refusal", ours=refused("the column 'a' is missing", 422)),
    post("values", "exit", "exit", differs="exit", ours=failed(**with_ids())),
    post("values", "interrupt", "interrupt", differs="exit", ours=failed(**with_ids())),
)

HEADERS = (
    post("headers", "none of its own", "a"),
    post("headers", "one in lower case", "a", ("x-some-name", "1")),
    post("headers", "one in upper case", "a", ("X-SOME-NAME", "1")),
    post("headers", "the same twice", "a", ("X-Some", "1"), ("X-Some", "2")),
    post("headers", "words and digits", "a", ("x-ms-2nd-name", "1")),
    post("headers", "a type and ids", {}, JSON, ("x-request-id", "A"), ("TraceId", "T")),
    post("headers", "text beyond ASCII", "a", ("X-Some", "ä")),
    post("headers", "an underscore", "a", ("X_Some", "1")),
    post("headers", "an empty value", "a", ("X-Some", "")),
    post("headers", "spaces around a value", "a", ("X-Some", "  1 ")),
    post("headers", "a secret", "a", ("Authorization", "Bearer abc"), ("Cookie", "a=1; b=2")),
    get("headers", "a query", "/score?a=1", ("X-Some", "1")),
)

TABLE = BODIES + QUERIES + RETURNED + RETURNED_OTHERWISE + HEADERS
