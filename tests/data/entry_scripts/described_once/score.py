"""Undecorated: gives back the text that it is given."""


def init():
    pass


def run(data):
    return {"got": data, "type": type(data).__name__}
