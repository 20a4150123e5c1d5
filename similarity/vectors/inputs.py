"""The inputs of products, by name, as read and as stored: photos, titles and descriptions."""

import logging
import re
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import InterfaceError, OperationalError, connections, transaction

from similarity.catalog.content import ProductContent
from similarity.encoders import looks
from similarity.encoders.ahead import photos_ahead
from similarity.encoders.base import Encoder
from similarity.encoders.images import photo_of
from similarity.encoders.known import name_of
from similarity.models import ProductInputs
from similarity.models.inputs import DESCRIPTION, PHOTO, TITLE
from similarity.models.vectors import category_number, group_name
from similarity.vectors import upsert

logger = logging.getLogger(__name__)

#: Products read per shared name, with the input absent and again with it present.
EACH = 32
#: Characters of a description that its name is made of.
READ = 4000

_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Input:
    """An input; ``names`` are the names its copies may be stored under, including ``name``."""

    name: int
    names: tuple[int, ...]
    look: bytes = b""


@dataclass(frozen=True)
class Inputs:
    """The inputs of one product. ``photos``: the place of each photo among the product's images."""

    key: str
    group: int
    kinds: frozenset[int]
    inputs: Sequence[Input]
    photos: Sequence[int] = ()
    absent: frozenset[int] = field(default_factory=frozenset)


def read(contents: Sequence[ProductContent], encoders: Iterable[Encoder]) -> list[Inputs]:
    """Return the inputs of N products, of the kinds that the encoders read.

    Photos are decoded here, ahead of the encoders, which reuse the decoded photos. A photo that
    cannot be read has no name.
    """
    fields = {name for encoder in encoders for name in encoder.fingerprint_fields}
    if "images" in fields:
        for _photos in photos_ahead(contents, lambda image: None):
            pass
    return [_inputs_of(content, fields) for content in contents]


def _inputs_of(content: ProductContent, fields: Collection[str]) -> Inputs:
    found, photos = [], []
    for at, ref in enumerate(content.images if "images" in fields else ()):
        photo = photo_of(ref, content.key)
        if photo is not None:
            found.append(_photo(looks.look_of(photo.image)))
            photos.append(at)
    title = _WORD.findall(content.plain_title.casefold())
    own = set(_LETTERS.findall(content.plain_title.casefold()))
    text = content.plain_description[:READ].casefold()
    description = [word for word in _LETTERS.findall(text) if word not in own]
    for kind, name, words in (
        (TITLE, "title", title),
        # A description that repeats the product's title and number is still boilerplate.
        (DESCRIPTION, "description", description),
    ):
        if words and name in fields:
            number = _number(kind, name_of(" ".join(words).encode()))
            found.append(Input(number, (number,)))
    return Inputs(
        key=content.key,
        group=_number(0, name_of(group_name(content.key, content.group).encode())),
        kinds=_kinds(content, title),
        inputs=found,
        photos=photos,
    )


def _kinds(content: ProductContent, title: Sequence[str]) -> frozenset[int]:
    if category := category_number(content.attributes.get("category", "")):
        return frozenset([category])
    return frozenset(zlib.crc32(word.encode()) - 2**31 for word in title[:20])


def _photo(look: bytes) -> Input:
    names = tuple(_number(PHOTO, name) for name in looks.names_of_look(look))
    return Input(_number(PHOTO, looks.name_of_look(look)), names, look)


def _number(kind: int, name: bytes) -> int:
    """Return a name as a ``bigint`` with its kind in the lowest two bits."""
    return int.from_bytes(name[:8], "big", signed=True) & ~3 | kind


_SHARING = """
    SELECT DISTINCT ON (product_id) product_id, "group", kinds, names, looks, absent
    FROM unnest(%s::bigint[]) AS wanted(name) CROSS JOIN LATERAL (
        (SELECT * FROM similarity_productinputs
         WHERE names @> ARRAY[wanted.name] AND absent @> ARRAY[wanted.name] LIMIT %s)
        UNION ALL
        (SELECT * FROM similarity_productinputs
         WHERE names @> ARRAY[wanted.name] AND NOT absent @> ARRAY[wanted.name] LIMIT %s)
    ) AS sharing
"""


def sharing(names: Collection[int]) -> list[Inputs]:
    """Return products stored under any of the names, some dozens for each."""
    if not names:
        return []
    alias = upsert.alias()
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        # On a small table the planner would read the whole table for each name.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(_SHARING, [list(names), EACH, EACH])
        rows = cursor.fetchall()
        cursor.execute("SET LOCAL enable_seqscan = DEFAULT")
    return [_stored(*row) for row in rows]


def _stored(
    key: object,
    group: int,
    kinds: Sequence[int],
    names: Sequence[int],
    packed: bytes,
    absent: Sequence[int],
) -> Inputs:
    packed = bytes(packed)
    own = [packed[at : at + looks.SIZE] for at in range(0, len(packed), looks.SIZE)]
    found = [_photo(look) for look in own]
    found += [Input(name, (name,)) for name in names[len(own) :]]
    return Inputs(str(key), group, frozenset(kinds), found, (), frozenset(absent))


def write(read: Sequence[Inputs], unread: Collection[str], keys: Collection[str]) -> set[int]:
    """Store the inputs of the products ``keys``; return names whose other products need judging.

    ``unread``: keys of products whose text the model cannot read.
    """
    rows = sorted((each for each in read if each.key in keys), key=lambda each: each.key)
    table = ProductInputs.objects.using(upsert.alias())
    former = table.filter(product__in=[each.key for each in rows]).values_list("absent", flat=True)
    touched = {name for absent in former for name in absent}
    touched |= {one.name for each in rows for one in each.inputs}
    to_key = ProductInputs._meta.pk.target_field.to_python  # type: ignore[attr-defined]
    table.bulk_create(
        [
            ProductInputs(
                product_id=to_key(each.key),
                group=each.group,
                kinds=sorted(each.kinds),
                names=[one.name for one in each.inputs],
                looks=b"".join(one.look for one in each.inputs),
                absent=sorted(each.absent),
                unread=each.key in unread,
                incomplete=bool(each.absent) or each.key in unread,
            )
            for each in rows
        ],
        update_conflicts=True,
        unique_fields=["product"],
        update_fields=["group", "kinds", "names", "looks", "absent", "unread", "incomplete"],
    )
    return touched


def figures() -> Mapping[str, int]:
    """Return how many products have a photo, title or description that counts as absent, or a
    text that is not read."""
    rows = ProductInputs.objects.using(upsert.alias()).filter(incomplete=True)
    told = {"photo": 0, "title": 0, "description": 0, "unread": rows.filter(unread=True).count()}
    with connections[upsert.alias()].cursor() as cursor:
        cursor.execute(
            "SELECT name & 3, count(DISTINCT product_id) "
            "FROM similarity_productinputs, unnest(absent) AS name WHERE incomplete GROUP BY 1"
        )
        for kind, products in cursor.fetchall():
            told[("photo", "title", "description")[kind]] = products
    return told


def safely_read(contents: Sequence[ProductContent], encoders: Iterable[Encoder]) -> list[Inputs]:
    """Return :func:`read`; a product whose inputs raise has none, and its encoders report it."""
    encoders = list(encoders)
    try:
        return read(contents, encoders)
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # noqa: BLE001 - a door: the host's storage may raise anything
        if len(contents) == 1:
            logger.info("The inputs of product %s cannot be read.", contents[0].key)
            return [Inputs(contents[0].key, 0, frozenset(), ())]
    return [each for content in contents for each in safely_read([content], encoders)]
