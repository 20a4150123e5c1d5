"""System checks (to be filled)."""


def register_all() -> None:
    pass
