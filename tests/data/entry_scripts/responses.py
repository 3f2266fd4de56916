"""Undecorated, with responses of its own."""

from azureml_inference_server_http.api.aml_response import AMLResponse
from flask import Response, jsonify, request


def init():
    pass


def run(data):
    name = data.strip()
    if name == "text":
        return AMLResponse("text", 200)
    if name == "created":
        return AMLResponse({"a": 1}, 201, json_str=True)
    if name == "client's mistake":
        return AMLResponse({"error": "no such column"}, 400, json_str=True)
    if name == "jsonify":
        return jsonify(a=1)
    if name == "the request":
        return {"method": request.method, "path": request.path, "header": request.headers.get("X-Some")}
    if name == "failure":
        return AMLResponse("failure", 500)
    if name == "flask failure":
        return Response("failure", status=502)
    if name == "says that it failed":
        return AMLResponse("text", 200, run_function_failed=True)
    if name == "many headers":
        return AMLResponse("a,b", 200, {"Content-Type": "text/csv", "X-Many": "1,2", "Cache-Control": "no-store"})
    if name == "two lengths":
        return AMLResponse("text", 200, {"X-Length": "4"})
    return Response(data, status=200, content_type="text/plain")
