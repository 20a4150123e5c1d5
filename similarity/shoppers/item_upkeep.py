"""Vectors of products that are new or changed since the model was trained."""

from collections.abc import Iterator, Sequence
from logging import getLogger
from typing import Any, NamedTuple

import numpy as np
from django.db import connections, transaction
from psycopg.sql import SQL, Literal

from similarity.cells import cell_rows, upkeep
from similarity.exceptions import ArtefactError
from similarity.logs import log_error
from similarity.models import EncoderVersion
from similarity.models.stored_vectors import vector_literal
from similarity.models.vectors import ALONE, key_type
from similarity.shoppers.item_vectors import FROM_CONTENT, LEARNED, PAGE, read_page, stored_form
from similarity.shoppers.live_model import Network, network_of
from similarity.shoppers.models import ShopperModel
from similarity.types import FloatArray
from similarity.vectors import upsert

logger = getLogger(__name__)

# A vector that the model learned stays; a new variant gets the learned vector of its group.
_UPSERT = """
    INSERT INTO similarity_productvectors AS stored
        (product_id, version_id, fused, "group", category, fingerprint, encoded_at)
    SELECT new.product_id, {version}, coalesce(variant.fused, new.fused::halfvec), new."group",
        new.category, CASE WHEN variant.fused IS NULL THEN {content} ELSE {learned} END,
        statement_timestamp()
    FROM unnest(%(keys)s::{kind}[], %(fused)s::text[], %(groups)s::text[], %(categories)s::int[])
        AS new(product_id, fused, "group", category)
    LEFT JOIN LATERAL (
        SELECT fused FROM similarity_productvectors AS other WHERE other."group" = new."group"
        AND other."group" NOT LIKE {alone} AND other.version_id = {version}
        AND other.fingerprint = {learned} ORDER BY other.product_id LIMIT 1
    ) AS variant ON true
    ORDER BY new.product_id
    ON CONFLICT (product_id, version_id) DO UPDATE SET
        fused = CASE WHEN stored.fingerprint = {learned} AND excluded.fingerprint = {content}
            THEN stored.fused ELSE excluded.fused END,
        fingerprint = CASE WHEN stored.fingerprint = {learned} THEN {learned}
            ELSE excluded.fingerprint END,
        "group" = excluded."group", category = excluded.category, encoded_at = excluded.encoded_at
    WHERE stored.fingerprint = {content} OR stored."group" <> excluded."group"
        OR stored.category <> excluded.category
    RETURNING product_id, category, halfvec_send(fused), encoded_at::text
"""


class KeptModel(NamedTuple):
    """A model with vectors of its items that answers, or may answer again after a rollback."""

    network: Network
    items: EncoderVersion


def kept_models(content_version: int, alias: str) -> Iterator[KeptModel]:
    """Yield the models whose items have the vectors of this encoder version as content."""
    kept = ShopperModel.objects.using(alias).filter(
        status__in=[ShopperModel.Status.LIVE, ShopperModel.Status.RETIRED],
        items__isnull=False,
        config__items__content_version=content_version,
    )
    for model in kept.select_related("items"):
        try:
            if model.items is not None:
                yield KeptModel(network_of(model), model.items)
        except ArtefactError as error:
            log_error(logger, error, "Items of model %d of shoppers are not updated.", model.pk)


def write_changed(content_version: int, keys: Sequence[Any], alias: str) -> None:
    """Bring the vectors of these products up to date with their content just written.

    Called in the transaction that wrote them, which holds the products.
    """
    for kept in kept_models(content_version, alias):
        _write(kept, alias, keys=list(keys))


def fill_missing(kept: KeptModel, alias: str) -> int:
    """Write the vectors of products that have content and no item vector; return how many.

    A model of ids alone knows nothing of such products.
    """
    written = 0
    while keys := _missing(kept, alias):
        with transaction.atomic(using=alias):
            present = upsert.lock_products([str(key) for key in keys])
            done = _write(kept, alias, keys=[key for key in keys if str(key) in present])
        written += done
        if not done:
            break  # the rest are being deleted
    return written


def _write(kept: KeptModel, alias: str, keys: list[Any]) -> int:
    if not keys or not kept.network.config.content_dim:
        return 0
    page = read_page(kept.network.content_version, alias, keys=keys, size=len(keys))
    if page is None:
        return 0
    rows = stored_form(kept.network.project(page.content), kept.network.scale)
    statement = SQL(_UPSERT).format(
        version=Literal(int(kept.items.pk)),
        content=Literal(FROM_CONTENT),
        learned=Literal(LEARNED),
        alone=Literal(f"{ALONE}%%"),  # doubled for the placeholders
        kind=SQL(key_type(alias)),
    )
    with connections[alias].cursor() as cursor:
        cursor.execute(
            statement,
            {
                "keys": page.keys,
                "fused": [vector_literal(row) for row in rows],
                "groups": page.groups,
                "categories": page.categories,
            },
        )
        written = cursor.fetchall()
    upkeep.place(kept.items, alias, _placeable(written))
    return len(written)


def _placeable(written: list[Any]) -> cell_rows.Placeable:
    keys, categories, binary, times = zip(*written, strict=True) if written else ((), (), (), ())
    return cell_rows.Placeable(keys, _stacked(binary), np.array(categories, np.int32), times)


def _stacked(binary: Sequence[Any]) -> FloatArray:
    halves = np.frombuffer(b"".join(bytes(one)[4:] for one in binary), dtype=">f2")
    return halves.reshape(len(binary), -1 if binary else 0).astype(np.float32)


def _missing(kept: KeptModel, alias: str) -> list[Any]:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT content.product_id FROM similarity_productvectors AS content "
            "WHERE content.version_id = %s AND NOT EXISTS (SELECT FROM similarity_productvectors "
            "AS item WHERE item.version_id = %s AND item.product_id = content.product_id) "
            "ORDER BY content.product_id LIMIT %s",
            [kept.network.content_version, kept.items.pk, PAGE],
        )
        return [key for (key,) in cursor.fetchall()]
