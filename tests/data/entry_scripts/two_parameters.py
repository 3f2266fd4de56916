"""Undecorated with a second parameter, which nothing is given for."""


def init():
    pass


def run(data, more="the default"):
    return [data, more]
