"""Sleeps for the seconds that it is given."""

import time


def init():
    pass


def run(data):
    time.sleep(float(data))
    return data
