"""Find the shop's own products, users and profiles for the names that a file uses."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import connections
from django.db.models import Field, Model
from django.utils.crypto import salted_hmac

from similarity import conf
from similarity.api.fields import is_storable
from similarity.events.denied import denied_products
from similarity.events.models import Profile
from similarity.exceptions import EventError

#: Products and visitors that are remembered between chunks; then all are forgotten.
REMEMBERED = 200_000

_SALT = "similarity.events.import"
_LOCK = """
    SELECT {column}, id FROM similarity_profile WHERE {column} = ANY(%s)
    ORDER BY id FOR KEY SHARE
"""


class Keys:
    """Maps texts of a file to keys of rows of the host, by one field of their model."""

    def __init__(self, model: type[Model], field_name: str, option: str, using: str) -> None:
        try:
            field: Any = model._meta.pk if field_name == "pk" else model._meta.get_field(field_name)
        except FieldDoesNotExist as error:
            fields = ", ".join(one.name for one in model._meta.fields if one.unique)
            raise EventError(f"{option} is {field_name!r}; choose one of {fields}.") from error
        self._field: Field[Any, Any] = field
        if not getattr(field, "unique", False):
            raise EventError(
                f"{option} is {field_name!r}, which is not unique: events could go to the wrong "
                f"{model._meta.verbose_name}. Name a unique field of {model._meta.label}."
            )
        self._rows = model._base_manager.using(using).order_by()
        self._known: dict[str, Any] = {}

    def find(self, texts: Iterable[str]) -> Mapping[str, Any]:
        """Return the keys by text; a text without a row maps to None."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
        asked = {text: self._value(text) for text in set(texts) - self._known.keys()}
        if asked:
            values = [value for value in asked.values() if value is not None]
            rows = self._rows.filter(**{f"{self._field.name}__in": values})
            found = self.accept(dict(rows.values_list(self._field.name, "pk")))
            self._known |= {text: found.get(value) for text, value in asked.items()}
        return self._known

    def accept(self, found: dict[Any, Any]) -> dict[Any, Any]:
        return found

    def _value(self, text: str) -> Any:
        """Return the text as a value of the field; None if it cannot be one."""
        field: Any = self._field
        while field.remote_field:
            field = field.target_field
        if not is_storable(text):
            return None
        try:
            value = field.to_python(text)
        except (ValidationError, ValueError, TypeError):
            return None
        fits = not isinstance(value, int) or abs(value) < 2**63
        return value if fits and value != "" else None


class ProductKeys(Keys):
    """Products by key or by another field; those of a denied category count as missing."""

    def __init__(self, field_name: str, using: str) -> None:
        super().__init__(conf.product_model(), field_name, "--product-field", using)
        self._using = using

    def accept(self, found: dict[Any, Any]) -> dict[Any, Any]:
        denied = denied_products(found.values(), self._using)
        return {value: key for value, key in found.items() if key not in denied}


def user_keys(field_name: str, using: str) -> Keys:
    """Return the users of the shop by key or by another field, such as ``username``."""
    return Keys(get_user_model(), field_name, "--user-field", using)


class Profiles:
    """Profiles of visitors and users, which are created if they are missing.

    A profile keeps an HMAC of the visitor's id and never the id. Its salt is not that of cookies:
    the id of a visitor is no secret, so that a browser must not pass for a visitor by sending it.
    """

    def __init__(self, using: str) -> None:
        self._using = using
        self._secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        self._pseudonyms: dict[str, str] = {}

    def lock(self, visitors: set[str], users: set[Any]) -> tuple[dict[str, int], dict[Any, int]]:
        """Return the profiles by visitor and by user, locked against an erasure.

        Call this in the transaction that writes the events.
        """
        return self._of_visitors(visitors), self._of_users(users)

    def _of_visitors(self, visitors: set[str]) -> dict[str, int]:
        if not visitors:
            return {}
        if len(self._pseudonyms) > REMEMBERED:
            self._pseudonyms.clear()
        now = {visitor: self._pseudonym(visitor) for visitor in visitors}
        found = self._lock("pseudonym", list(now.values()))
        if len(found) < len(now):
            self._renew({visitor: new for visitor, new in now.items() if new not in found})
            found = self._lock("pseudonym", list(now.values()))
        if len(found) < len(now):
            lacking = sorted(set(now.values()) - found.keys())
            self._add(Profile(pseudonym=pseudonym) for pseudonym in lacking)
            found = self._lock("pseudonym", list(now.values()))
        return {visitor: found[pseudonym] for visitor, pseudonym in now.items()}

    def _pseudonym(self, visitor: str) -> str:
        known = self._pseudonyms.get(visitor)
        if known is None:
            known = self._pseudonyms[visitor] = pseudonym_of(visitor, self._secrets[0])
        return known

    def _renew(self, pseudonyms: Mapping[str, str]) -> None:
        """Give profiles of an earlier import, by a secret that was rotated, the present one."""
        for secret in self._secrets[1:]:
            before = {pseudonym_of(visitor, secret): new for visitor, new in pseudonyms.items()}
            rows = Profile.objects.using(self._using)
            for old in rows.filter(pseudonym__in=before).values_list("pseudonym", flat=True):
                rows.filter(pseudonym=old).update(pseudonym=before[str(old)])

    def _of_users(self, users: set[Any]) -> dict[Any, int]:
        if not users:
            return {}
        if lacking := users - self._lock("user_id", list(users)).keys():
            self._add(Profile(user_id=user) for user in lacking)
        return self._lock("user_id", list(users))

    def _add(self, profiles: Iterable[Profile]) -> None:
        # Another process may add the same at this moment.
        Profile.objects.using(self._using).bulk_create(profiles, ignore_conflicts=True)

    def _lock(self, column: str, values: list[Any]) -> dict[Any, int]:
        """Return profiles by a column; an erasure of one of them waits for this transaction."""
        with connections[self._using].cursor() as cursor:
            cursor.execute(_LOCK.format(column=column), [values])
            return dict(cursor.fetchall())


def pseudonym_of(visitor: str, secret: str | bytes) -> str:
    """Return the pseudonym of a visitor of a file, 64 hexadecimal digits."""
    return salted_hmac(_SALT, visitor, secret=secret, algorithm="sha256").hexdigest()
