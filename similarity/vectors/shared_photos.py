"""Inputs that many unlike products share: they do not describe a product, so they are absent.

For example the photo "no image yet", in any size and format; one description of the delivery
for the whole shop; a title that is not a name. Such an input would make unlike products alike. A
photo shared by the variants of one product stays, and so does a photo shared by products of the
same kind.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations

from django.db import connections

from similarity.catalog.content import ProductContent
from similarity.encoders import looks
from similarity.encoders.base import Encoder
from similarity.models import PendingProduct
from similarity.models.inputs import DESCRIPTION, TITLE
from similarity.vectors import inputs, upsert
from similarity.vectors.inputs import Input, Inputs

logger = logging.getLogger(__name__)

#: This many products, with the variants of one product counted once, must share an input.
MANY = 5
#: An absent input stays absent down to one product less, and up to this much more likeness.
SLACK = 0.1
#: Products in the sample that estimates the likeness of any two products.
SAMPLE = 400
#: Names that :func:`settle_all` judges at once.
AT_ONCE = 500


def judge(
    asked: Sequence[Inputs], others: Sequence[Inputs], usual: Callable[[], float]
) -> list[frozenset[int]]:
    """Return the names of each asked product's inputs that count as absent.

    ``others`` are products that may share inputs with them. ``usual`` returns the share of any
    two products that are of one kind; it is called only when needed. An input is shared by many
    unlike products if the likeness of its own pairs is nearer to ``usual`` than to 1.
    """
    by_name: dict[int, list[tuple[Inputs, Input]]] = {}
    for each in (*asked, *others):
        for one in each.inputs:
            by_name.setdefault(one.name, []).append((each, one))

    @cache
    def is_absent(one: Input) -> bool:
        found = {
            each.key: each
            for name in one.names
            for each, other in by_name.get(name, ())
            if not one.look or looks.is_same(one.look, other.look)
        }
        return _tells_nothing(one, list(found.values()), usual)

    return [frozenset(one.name for one in each.inputs if is_absent(one)) for each in asked]


def _tells_nothing(one: Input, products: Sequence[Inputs], usual: Callable[[], float]) -> bool:
    before = any(each.absent.intersection(one.names) for each in products)
    kinds = list({each.group: each.kinds for each in products}.values())
    if len(kinds) < MANY - before:
        return False
    least = (1 + usual()) / 2
    return share_alike(kinds) < (min(least + SLACK, (1 + least) / 2) if before else least)


def share_alike(kinds: Sequence[frozenset[int]]) -> float:
    """Return the share of pairs that have a kind in common."""
    pairs = len(kinds) * (len(kinds) - 1) / 2
    if not pairs:
        return 1.0
    if all(len(kind) == 1 for kind in kinds):
        counts = Counter(kinds).values()
        return sum(count * (count - 1) / 2 for count in counts) / pairs
    return sum(bool(one & other) for one, other in combinations(kinds, 2)) / pairs


def masked(
    contents: Sequence[ProductContent], encoders: Iterable[Encoder], beside: Sequence[Inputs] = ()
) -> tuple[list[ProductContent], list[Inputs]]:
    """Return the contents without absent inputs, and the inputs of each product.

    ``beside`` are products that are not stored yet.
    """
    read = inputs.safely_read(contents, encoders)
    found = judged(read, beside)
    return [without(*pair) for pair in zip(contents, found, strict=True)], found


def judged(read: Sequence[Inputs], beside: Sequence[Inputs] = ()) -> list[Inputs]:
    """Return the same inputs with their absent names, judged by the stored inputs of all others."""
    own = {each.key for each in (*read, *beside)}
    names = {name for each in read for one in each.inputs for name in one.names}
    others = [each for each in inputs.sharing(names) if each.key not in own]
    verdicts = judge(read, [*beside, *others], _usual(read))
    return [replace(each, absent=absent) for each, absent in zip(read, verdicts, strict=True)]


def without(content: ProductContent, found: Inputs) -> ProductContent:
    """Return the content without the inputs that count as absent."""
    if not found.absent:
        return content
    photos = zip(found.photos, found.inputs, strict=False)
    hidden = {at for at, one in photos if one.name in found.absent}
    kinds = {name & 3 for name in found.absent}
    return replace(
        content,
        images=[image for at, image in enumerate(content.images) if at not in hidden],
        title="" if TITLE in kinds else content.title,
        description="" if DESCRIPTION in kinds else content.description,
    )


def settle(names: Collection[int]) -> int:
    """Judge the stored products that share the names again; return how many to encode again.

    Called after a write, because another worker may have written products at the same time, and
    because a shared input may no longer be shared.
    """
    rows = inputs.sharing(names)
    counts = Counter(one.name for each in rows for one in each.inputs)
    some = {name for name in names if counts[name] >= MANY - 1}
    some |= {name for each in rows for name in each.absent if name in names}
    asked = [each for each in rows if some.intersection(one.name for one in each.inputs)]
    if not asked:
        return 0
    now = judged(asked)
    outdated = [
        each.key for each, new in zip(asked, now, strict=True) if (each.absent ^ new.absent) & some
    ]
    if outdated:
        PendingProduct.objects.enqueue(outdated, force=True)
        logger.info(
            "Shared inputs of %d products have changed: they are embedded again.",
            len(outdated),
            extra={"product_keys": outdated},
        )
    return len(outdated)


def settle_all() -> int:
    """Call :func:`settle` for every name that several products have, or that counts as absent."""
    with connections[upsert.alias()].cursor() as cursor:
        cursor.execute(
            "SELECT name FROM (SELECT unnest(names) AS name FROM similarity_productinputs) "
            "AS every GROUP BY name HAVING count(*) >= %s "
            "UNION SELECT unnest(absent) FROM similarity_productinputs WHERE incomplete",
            [MANY],
        )
        names = [name for (name,) in cursor.fetchall()]
    return sum(settle(names[start : start + AT_ONCE]) for start in range(0, len(names), AT_ONCE))


def _usual(read: Sequence[Inputs]) -> Callable[[], float]:
    """Return a function for the share of any two products of one kind, by a stored sample.

    If too few products are stored, the share is taken from ``read``.
    """

    @cache
    def usual() -> float:
        kinds = _sample() or {each.group: each.kinds for each in read}
        return share_alike(list(kinds.values())[:SAMPLE])

    return usual


def _sample() -> dict[int, frozenset[int]]:
    """Return group → kinds of some products, spread over the table."""
    with connections[upsert.alias()].cursor() as cursor:
        cursor.execute(
            "SELECT greatest(reltuples, 1) FROM pg_class "
            "WHERE oid = to_regclass('similarity_productinputs')"
        )
        percent = min(100.0, 100.0 * 10 * SAMPLE / cursor.fetchone()[0])
        cursor.execute(
            'SELECT "group", kinds FROM (SELECT "group", kinds FROM similarity_productinputs '
            'TABLESAMPLE SYSTEM (%s) LIMIT %s) AS sampled ORDER BY "group" LIMIT %s',
            [percent, 20 * SAMPLE, SAMPLE],
        )
        rows = cursor.fetchall()
    return {group: frozenset(kinds) for group, kinds in rows} if len(rows) >= MANY else {}
