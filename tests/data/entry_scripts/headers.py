"""Asks for the request's headers beside its data."""


def init():
    pass


def run(data, request_headers):
    there = {name: value for name, value in request_headers.items() if name != "Host"}
    return {"data": data, "headers": there, "type": type(request_headers).__name__}
