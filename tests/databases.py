"""Addresses of databases on the server the tests run on, for processes they start."""

from urllib.parse import urlsplit

from django.db import connection

from shop import servers


def address_of(name: str) -> str:
    """The URL of the database called ``name``."""
    return urlsplit(servers.database_url())._replace(path=f"/{name}").geturl()


def current_address() -> str:
    """The URL of the database that the running test uses."""
    return address_of(str(connection.settings_dict["NAME"]))
