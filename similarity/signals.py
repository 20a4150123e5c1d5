"""Signals (to be filled)."""


def connect() -> None:
    pass
