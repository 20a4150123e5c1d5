"""New products, which a share of each personal shelf explores before anyone has looked at them."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import AutoField, DateField, DateTimeField, Model
from django.utils import timezone

from similarity import conf
from similarity.models import EncoderVersion, ProductVectors
from similarity.shoppers.item_vectors import FROM_CONTENT

#: A product is new for this many days, if its model says when it was made.
NEW_DAYS = 60
#: Most products that are explored at a time: the newest.
MOST = 500
#: The newest products among which those without events are sought.
LOOKED_AT = 5000
#: Seconds for which a process remembers them; they are the same for every shopper.
KEPT_S = 60.0

_known: dict[tuple[str, int], tuple[float, list[Any]]] = {}


def read_new_products(version: EncoderVersion, using: str) -> list[Any]:
    """Return keys of the newest products of which the model has learned no event.

    Empty if neither a date nor the key of the product model says which product is newer. They may
    be hidden or sold out: a shelf shows them only through its own filter.
    """
    now = time.monotonic()
    kept = _known.get((using, version.pk))
    if kept is not None and kept[0] > now:
        return kept[1]
    found = _read(version, using)
    if len(_known) > 8:  # sets of models that were replaced
        _known.clear()
    _known[using, version.pk] = (now + KEPT_S, found)
    return found


def forget() -> None:
    """Forget what this process remembers, for tests whose databases reuse numbers."""
    _known.clear()


def _read(version: EncoderVersion, using: str) -> list[Any]:
    newest = _newest(using)
    unseen = ProductVectors.objects.using(using).of_version(version)
    keys = set(
        unseen.filter(product__in=newest, fingerprint=FROM_CONTENT).values_list(
            "product_id", flat=True
        )
    )
    return [key for key in newest if key in keys][:MOST]


def _newest(using: str) -> list[Any]:
    """Return keys of the newest products, the newest first; [] if nothing tells their age."""
    model = conf.product_model()
    dated = _date_field(model)
    if isinstance(model._meta.pk, AutoField):
        order = "-pk"  # by the key's index, because dates often have none
    elif dated is not None:
        order = f"-{dated.name}"
    else:
        return []
    products = model._base_manager.using(using).order_by(order)
    if dated is None:
        return list(products.values_list("pk", flat=True)[:LOOKED_AT])
    since = timezone.now() - timedelta(days=NEW_DAYS)
    oldest = since if isinstance(dated, DateTimeField) else since.date()
    rows = products.values_list("pk", dated.name)[:LOOKED_AT]
    return [key for key, made in rows if made is not None and _at_least(made, oldest)]


def _at_least(made: Any, oldest: Any) -> bool:
    if isinstance(made, datetime) and timezone.is_naive(made):
        made = timezone.make_aware(made, UTC)
    return bool(made >= oldest)


def _date_field(model: type[Model]) -> "DateField[Any, Any] | None":
    fields = (one for one in model._meta.get_fields() if isinstance(one, DateField))
    return next((one for one in fields if one.auto_now_add), None)
