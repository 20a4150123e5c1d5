"""Writing of vectors, with the locks it needs, and reading of fingerprints and vectors."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connections, router, transaction
from django.db.models import BinaryField, F, Func
from pgvector import HalfVector

from similarity import conf
from similarity.catalog.content import ProductContent
from similarity.cells import cell_rows, upkeep
from similarity.encoders.base import FloatArray
from similarity.encoders.fusion import Fused
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.vectors import category_number, group_name
from similarity.parts import PARTS

_PARTS = ", ".join(PARTS)

# The keys have the host's own type, which a list of texts does not show.
_UPSERT = f"""
    INSERT INTO similarity_productvectors AS stored
        (product_id, version_id, fused, {_PARTS}, "group", category, fingerprint, encoded_at)
    SELECT product_id, %(version)s, fused::halfvec,
        {", ".join(f"{part}::halfvec" for part in PARTS)}, "group", category, fingerprint,
        statement_timestamp()
    FROM unnest(%(keys)s::{{key_type}}[], %(fused)s::text[],
        {", ".join(f"%({part})s::text[]" for part in PARTS)},
        %(groups)s::text[], %(categories)s::int[], %(fingerprints)s::text[])
        AS new(product_id, fused, {_PARTS}, "group", category, fingerprint)
    ON CONFLICT (product_id, version_id) DO UPDATE SET
        fused = excluded.fused, {", ".join(f"{part} = excluded.{part}" for part in PARTS)},
        "group" = excluded."group", category = excluded.category,
        fingerprint = excluded.fingerprint, encoded_at = excluded.encoded_at
    WHERE %(read_at)s::timestamptz IS NULL OR stored.encoded_at < %(read_at)s
    RETURNING product_id, encoded_at::text
"""  # noqa: S608 - the names of the table and of parts are constants


def alias() -> str:
    """Return the database that holds vectors, products and the outbox."""
    return router.db_for_write(ProductVectors)


def fingerprints(
    versions: Sequence[EncoderVersion], keys: Sequence[Any]
) -> dict[tuple[int, str], str]:
    """Return (version, product key) → fingerprint of its stored vectors."""
    rows = ProductVectors.objects.using(alias()).filter(version__in=versions, product__in=keys)
    stored = rows.values_list("version_id", "product_id", "fingerprint")
    return {(version, str(product)): fingerprint for version, product, fingerprint in stored}


def fused_rows(version: EncoderVersion, keys: Sequence[Any]) -> dict[str, FloatArray]:
    """Return product key → its stored fused vector (D,)."""
    binary = Func(F("fused"), function="halfvec_send", output_field=BinaryField())
    rows = ProductVectors.objects.using(alias()).of_version(version).filter(product__in=keys)
    return {
        # Two int16 (length, unused), then the numbers.
        str(product): np.frombuffer(bytes(fused)[4:], dtype=">f2").astype(np.float32)
        for product, fused in rows.values_list("product_id", binary)
    }


def lock_products(keys: Collection[str]) -> set[str]:
    """Prevent the deletion of products until the transaction ends; return their keys.

    A product being deleted at this moment is left out, without a wait. Every writer locks vectors
    after products, so that no delete of the host can deadlock with a worker.
    """
    if not keys:
        return set()
    products = conf.product_model()._base_manager.using(alias()).filter(pk__in=keys)
    sql, parameters = products.order_by("pk").values_list("pk").query.sql_with_params()
    with connections[alias()].cursor() as cursor:
        cursor.execute(f"{sql} FOR KEY SHARE SKIP LOCKED", parameters)
        return {str(key) for (key,) in cursor.fetchall()}


def write(
    version: EncoderVersion,
    contents: Sequence[ProductContent],
    fused: Fused,
    *,
    read_at: datetime | None = None,
) -> None:
    """Insert or replace the vectors of N products in one version.

    ``read_at`` is the database's time before their content was read. Rows written since then
    stay, because they may be of later content. A product without any part to encode has no row;
    an earlier row is deleted.
    """
    blank = ~np.any(fused.vectors, axis=1)
    _delete(version, [content.key for content, none in zip(contents, blank, strict=True) if none])
    rows = [(key, row) for row, key in enumerate(_primary_keys(contents)) if not blank[row]]
    if not rows:
        return
    rows.sort()  # every writer locks rows in the same order
    order = [row for _key, row in rows]
    columns = {part: _column(fused, part, order) for part in PARTS}
    connection = connections[alias()]
    key_type = ProductVectors._meta.get_field("product").db_type(connection)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(
            _UPSERT.format(key_type=key_type),
            {
                "version": version.pk,
                "keys": [key for key, _row in rows],
                "fused": [_text(fused.vectors[row]) for row in order],
                **columns,
                "categories": [category_of(contents[row]) for row in order],
                "groups": [group_name(contents[row].key, contents[row].group) for row in order],
                "fingerprints": [contents[row].fingerprint for row in order],
                "read_at": read_at,
            },
        )
        written = dict(cursor.fetchall())
        placed = [(key, row) for key, row in rows if key in written]
        upkeep.place(
            version,
            connection.alias,
            cell_rows.Placeable(
                keys=[key for key, _row in placed],
                vectors=fused.vectors[[row for _key, row in placed]],
                categories=np.array([category_of(contents[row]) for _key, row in placed], np.int32),
                times=[written[key] for key, _row in placed],
            ),
        )


def category_of(content: ProductContent) -> int:
    """Return the number of the category that the product's cell belongs to."""
    return category_number(content.attributes.get("category", ""))


def _delete(version: EncoderVersion, keys: list[Any]) -> None:
    if keys:
        rows = ProductVectors.objects.using(alias())
        rows.filter(version=version, product__in=keys).delete()


def _primary_keys(contents: Sequence[ProductContent]) -> list[Any]:
    field = ProductVectors._meta.get_field("product").target_field
    return [field.to_python(content.key) for content in contents]


def _column(fused: Fused, part: str, order: Sequence[int]) -> list[str | None]:
    encoded = fused.parts.get(part)
    if encoded is None:
        return [None] * len(order)
    return [_text(encoded.vectors[row]) if encoded.present[row] else None for row in order]


def _text(row: Any) -> str:
    return str(HalfVector(row).to_text())
