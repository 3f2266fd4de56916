"""Raw HTTP: the Flask request, and answers of its own."""

from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse
from flask import Response, jsonify, make_response, redirect


def init():
    pass


@rawhttp
def run(request):
    assert AMLRequest.__name__ == "AMLRequest"
    asked = request.args.get("answer", "facts")
    if asked == "body":
        return AMLResponse(request.get_data(), 201, {"Content-Type": "image/png", "X-Kind": "one, two"})
    if asked == "bytes":
        return AMLResponse(b"\x00\xff", 200)
    if asked == "json":
        return AMLResponse({"a": [1]}, 202, {"X-Kind": "one"}, json_str=True)
    if asked == "none":
        return AMLResponse(None, 200)
    if asked == "jsonify":
        return jsonify(a=1)
    if asked == "cookies":
        response = make_response("text", 203)
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response
    if asked == "redirect":
        return redirect("/elsewhere")
    if asked == "generator":
        return Response((part for part in ("a", "b")), mimetype="text/csv")
    if asked == "unavailable":
        return AMLResponse("busy", 503, {"Retry-After": "7"})
    if asked == "teapot":
        return Response("short and stout", status=418)
    if asked == "own ids":
        return Response("text", headers={"x-request-id": "theirs", "x-ms-run-function-failed": "maybe"})
    if asked == "empty":
        return Response(status=204)
    if asked == "value":
        return {"method": request.method}
    if asked == "form":
        return {"form": request.form.to_dict(), "files": {name: one.read().decode() for name, one in request.files.items()}}
    if asked == "read json":
        return {"json": request.get_json(silent=True)}
    if asked == "raise":
        raise RuntimeError("a secret of the model")
    return {
        "method": request.method,
        "path": request.path,
        "query": request.args.to_dict(flat=False),
        "text": request.get_data(as_text=True),
        "type": request.content_type,
        "header": request.headers.get("X-Some"),
        "is_json": request.is_json,
        "from": request.remote_addr,
        "url": request.full_path,
        "cookie": request.cookies.get("a"),
    }
