"""The article's primary key: a UUID, or text in a host run with HOST_KEY=text."""

import os
import uuid

from django.db import models


def text_key() -> str:
    """With capitals, spaces and signs that an address, a sort order or SQL might trip over."""
    return f"Größe/40 % {uuid.uuid4()} 'A'"


def primary_key() -> models.Field:
    if os.environ.get("HOST_KEY") == "text":
        return models.CharField(primary_key=True, max_length=80, default=text_key, editable=False)
    return models.UUIDField(primary_key=True, default=uuid.uuid4)
