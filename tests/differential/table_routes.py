"""Routes and methods, ids, other origins, descriptions, time limits."""

from __future__ import annotations

from tests.differential.cases import ABSENT, JSON, Request, get, post
from tests.differential.differences import IDS, refused, with_ids

EVERYWHERE = "ids everywhere"
LONG, LONGEST = "a" * 101, "a" * 100
REQUEST, MS_REQUEST, CLIENT, TRACE = "x-request-id", "x-ms-request-id", "x-ms-client-request-id", "TraceId"

ROUTES = (
    get("echo", "probe", "/"),
    get("echo", "probe, head", "/", method="HEAD"),
    get("echo", "probe, options", "/", method="OPTIONS"),
    get("echo", "probe, query", "/?a=1"),
    get("echo", "probe, two slashes", "//"),
    get("echo", "score, options", "/score", method="OPTIONS"),
    get("echo", "description, head", "/swagger.json", method="HEAD"),
    get("echo", "description, options", "/swagger.json", method="OPTIONS"),
    get("no version", "probe", "/"),
    get("no version", "description", "/swagger.json"),
    post("no version", "score", "a"),
    get("no version", "a version that there is not", "/swagger.json?version=4"),
)

IDS_GIVEN = tuple(
    post("echo", f"ids of {', '.join(given) or 'none'}", "a", *((name, name[-3:].upper()) for name in given))
    for given in (
        (), (REQUEST,), (MS_REQUEST,), (CLIENT,), (MS_REQUEST, CLIENT), (REQUEST, MS_REQUEST), (REQUEST, CLIENT),
        (REQUEST, MS_REQUEST, CLIENT), (TRACE,), (REQUEST, TRACE),
    )
) + tuple(
    post("echo", f"ids, {about}", "a", *headers)
    for about, headers in {
        "others empty": ((MS_REQUEST, ""), (CLIENT, "")),
        "trace empty": ((TRACE, ""),),
        "in upper case": (("X-REQUEST-ID", "A"), ("TRACEID", "T")),
        "longest": ((REQUEST, LONGEST), (MS_REQUEST, LONGEST), (CLIENT, LONGEST)),
        "a trace of any length": ((TRACE, "T" * 500),),
        "with spaces": ((REQUEST, "a b"),),
        "in quotes": ((REQUEST, '"a"'),),
        "of digits": ((REQUEST, "0"),),
        "the same twice": ((REQUEST, "A"), (REQUEST, "B")),
        "beyond ASCII": ((REQUEST, "ä"),),
    }.items()
) + (
    get("echo", "ids of the probe", "/", (REQUEST, "A"), (CLIENT, "C"), (TRACE, "T")),
    get("echo", "ids of a description", "/swagger.json", (MS_REQUEST, "B")),
    get("echo", "ids of a query", "/score?a=1", (REQUEST, "A")),
    get("echo", "ids of options", "/score", (REQUEST, "A"), method="OPTIONS"),
    post("values", "ids of a failure", "raise", (REQUEST, "A"), (TRACE, "T")),
    post("array", "ids of a refusal", b"{bad", JSON, (CLIENT, "C")),
    post("array", "ids of a wrong type", b"{bad", (CLIENT, "C")),
)  # fmt: skip

SAME_ID = {"x-request-id": "A", "x-ms-request-id": "A"}
IDS_OTHERWISE = (
    post("echo", "ids, empty", "a", (REQUEST, ""), differs=EVERYWHERE, ours=IDS),
    post("echo", "ids, request too long", "a", (REQUEST, LONG), differs=EVERYWHERE, ours=IDS),
    post(
        "echo", "ids, request too long beside others", "a", (REQUEST, LONG), (CLIENT, "C"), (TRACE, "T"),
        differs=EVERYWHERE, ours=IDS,
    ),
    post("echo", "ids, legacy too long", "a", (MS_REQUEST, LONG), differs=EVERYWHERE, ours=IDS),
    post(
        "echo", "ids, client's too long", "a", (REQUEST, "A"), (CLIENT, LONG), (TRACE, "T"),
        differs=EVERYWHERE, ours=SAME_ID,
    ),
    post(
        "echo", "ids, legacy too long beside a client's", "a", (MS_REQUEST, LONG), (CLIENT, "C"),
        differs=EVERYWHERE, ours=IDS,
    ),
    get("echo", "ids, too long for the probe", "/", (REQUEST, LONG), differs=EVERYWHERE, ours=IDS),
    get(
        "echo", "ids, client's too long for a description", "/swagger.json", (REQUEST, "A"), (CLIENT, LONG),
        differs=EVERYWHERE, ours=SAME_ID,
    ),
    get("echo", "ids, too long for options", "/score", (REQUEST, LONG), method="OPTIONS", differs=EVERYWHERE, ours=IDS),
    get("raw", "ids, too long", "/score", (REQUEST, LONG), differs=EVERYWHERE, ours=IDS),
)  # fmt: skip

NOT_THERE = (
    *(
        get(
            "echo", f"{method} {path}", path, method=method, body=b"" if method in ("POST", "PUT", "PATCH") else None,
            differs=EVERYWHERE, ours=with_ids(),
        )
        for method, path in (
            ("GET", "/nothing"), ("POST", "/nothing"), ("OPTIONS", "/nothing"), ("GET", "/health"), ("GET", "/metrics"),
            ("POST", "/SCORE"), ("GET", "/score/a"), ("POST", "/"), ("DELETE", "/"),
            ("PUT", "/score"), ("DELETE", "/score"), ("PATCH", "/score"), ("POST", "/swagger.json"),
            ("DELETE", "/swagger.json"), ("TRACE", "/"),
        )
    ),
    get(
        "echo", "ids where there is nothing", "/nothing", (REQUEST, "A"), (TRACE, "T"),
        differs=EVERYWHERE, ours=with_ids(x_request_id="A", x_ms_request_id="A", traceid="T"),
    ),
    get(
        "echo", "too long an id where there is nothing", "/nothing", (REQUEST, LONG), differs=EVERYWHERE,
        ours={**refused("x-request-id must not exceed 100 characters", 431), **with_ids()},
    ),
    get(
        "echo", "a method that HTTP does not have", "/score", method="BREW", differs="unknown method",
        ours={
            "status": 400, "body": b"Invalid HTTP request received.", "content-type": "text/plain; charset=utf-8",
            "x-ms-run-function-failed": ABSENT,
        },
    ),
    get("echo", "an escaped path", "/%73core?a=1"),
    get(
        "echo", "score with a slash, query", "/score/?a=1", differs="trailing slash",
        asked_instead=Request("GET", "/score?a=1"),
    ),
    post("echo", "score with a slash", "a", path="/score/", differs="trailing slash",
         asked_instead=Request("POST", "/score", b"a")),
    get(
        "echo", "description with a slash", "/swagger.json/?version=3", differs="trailing slash",
        asked_instead=Request("GET", "/swagger.json?version=3"),
    ),
    *(
        get(
            service, f"score, head{about}", f"/score{query}", method="HEAD", differs="HEAD",
            asked_instead=Request("GET", f"/score{query}"), ours={"body": b""},
        )
        for service, about, query in (
            ("echo", "", "?a=1"),
            ("values", " of a failure", ""),
            ("array", "", "?input_data=[[1,2]]"),
            ("array", " without a value", ""),
        )
    ),
)  # fmt: skip

ONE, TWO, ELSEWHERE = (
    ("Origin", "https://one.example"),
    ("Origin", "http://two.example:8080"),
    ("Origin", "https://a.b"),
)
ASKS = ("Access-Control-Request-Method", "POST")
ASKS_HEADERS = ("Access-Control-Request-Headers", "content-type, x-some")

SAID = {"access_control_allow_origin": "https://one.example", "vary": "Origin"}
UNSAID = {"access-control-allow-origin": ABSENT, "vary": ABSENT}

ORIGINS = (
    post("origins", "a score of one", "a", ONE),
    post("origins", "a score of the other", "a", TWO),
    post("origins", "a score of elsewhere", "a", ELSEWHERE),
    post("origins", "a score of nowhere", "a", differs="no origin", ours=UNSAID),
    post("origins", "another scheme", "a", ("Origin", "http://one.example")),
    post("origins", "another port", "a", ("Origin", "https://one.example:443")),
    post("origins", "upper case", "a", ("Origin", "HTTPS://ONE.EXAMPLE")),
    post("origins", "null", "a", ("Origin", "null")),
    post("origins", "a subdomain", "a", ("Origin", "https://a.one.example")),
    get("origins", "a query", "/score?a=1", ONE),
    get("origins", "the probe", "/", ONE),
    get("origins", "the probe, head", "/", ONE, method="HEAD"),
    get("origins", "a description", "/swagger.json", ONE),
    get("origins", "an unknown version", "/swagger.json?version=9", ONE),
    get("origins", "too long an id", "/", ONE, (REQUEST, LONG), differs=EVERYWHERE, ours=IDS),
    get("origins", "preflight", "/score", ONE, ASKS, method="OPTIONS"),
    get("origins", "preflight with headers", "/score", ONE, ASKS, ASKS_HEADERS, method="OPTIONS"),
    get("origins", "preflight of a get", "/score", ONE, ("Access-Control-Request-Method", "GET"), method="OPTIONS"),
    get("origins", "preflight of a put", "/score", ONE, ("Access-Control-Request-Method", "PUT"), method="OPTIONS"),
    get("origins", "preflight of elsewhere", "/score", ELSEWHERE, ASKS, method="OPTIONS"),
    get("origins", "preflight without a method", "/score", ONE, method="OPTIONS"),
    get("origins", "preflight of the probe", "/", ONE, ASKS, method="OPTIONS"),
    get("origins", "preflight of a description", "/swagger.json", ONE, ASKS, ASKS_HEADERS, method="OPTIONS"),
    get("any origin", "a score", "/score", ONE),
    get("any origin", "a score of nowhere", "/score"),
    get("any origin", "a response of its own", "/score?answer=cookies", ONE),
    get("any origin", "preflight, which the script answers", "/score", ONE, ASKS, ASKS_HEADERS, method="OPTIONS"),
    get("any origin", "a failure", "/score?answer=raise", ONE),
    get("echo", "an origin where none is let in", "/", ONE),
    get("echo", "a preflight where none is let in", "/score", ONE, ASKS, method="OPTIONS"),
    get("origins", "nothing there", "/nothing", ONE, differs=EVERYWHERE, ours=with_ids(**SAID)),
    get("origins", "no such method", "/score", ONE, method="PUT", body=b"", differs=EVERYWHERE, ours=with_ids(**SAID)),
    *(
        get("origin patterns", about, "/", ("Origin", origin))
        for about, origin in {
            "one that matches": "https://a.example.com",
            "one in upper case": "https://A.EXAMPLE.COM",
            "one that does not": "https://a.example.org",
            "one that is no pattern": "http://localhost:3000",
        }.items()
    ),
    get("origin patterns", "one that goes on", "/", ("Origin", "https://a.example.com.evil.net"),
        differs="whole origin", ours=UNSAID),
    get("origin patterns", "none", "/", differs="no origin", ours=UNSAID),
)  # fmt: skip

VERSIONS = ("", "?version=2", "?version=2.0", "?version=3", "?version=3.0", "?version=3.1")
DESCRIPTIONS = tuple(
    get(service, f"description{version}", f"/swagger.json{version}")
    for service in ("echo", "array", "frame", "standard", "nested", "raw", "described", "described once", "named")
    for version in (VERSIONS if service in ("echo", "described") else ("", "?version=3", "?version=3.1"))
) + tuple(
    get("echo", f"description of {about}", f"/swagger.json{version}")
    for about, version in {
        "a version that there is not": "?version=4",
        "a version like one": "?version=2.1",
        "no version": "?version=",
        "text": "?version=two",
        "two versions": "?version=3&version=2",
        "something else": "?a=1",
        "a version in escapes": "?version=%33",
    }.items()
)

TIMES = (
    post("slow", "in time", "0"),
    post("slow", "too late", "5", differs="timeout", ours={"status": 504}),
    post("slow", "in time again", "0"),
)

TABLE = ROUTES + IDS_GIVEN + IDS_OTHERWISE + NOT_THERE + ORIGINS + DESCRIPTIONS + TIMES
