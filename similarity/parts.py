"""The parts of a product's content that are encoded, each with the data that depends on it.

A new part needs a line here, its encoder's file, its entry among the default ``ENCODERS`` in
``similarity.conf``, and the migration that ``makemigrations`` writes for its column.
"""

from typing import NamedTuple

from django.utils.translation import gettext_noop


class Part(NamedTuple):
    """A part of a product's content.

    ``reason`` names the part when a hit is explained; ``similar`` and ``same`` are the sentences
    for shoppers. A part that is ``searched`` alone has an index of its own. If a product lacks a
    vector, parts with a lower ``stands_in`` replace it first.
    """

    reason: str
    similar: str
    same: str
    searched: bool
    stands_in: int


#: Name, which is also the name of its column and its encoder → its part. The order is the order
#: of blocks in a fused vector, and of columns.
TABLE: dict[str, Part] = {
    "text": Part(
        "text", gettext_noop("Similar description"), gettext_noop("Same description"), True, 1
    ),
    "image": Part("picture", gettext_noop("Looks alike"), gettext_noop("Looks the same"), True, 3),
    "colour": Part("colour", gettext_noop("Similar colour"), gettext_noop("Same colour"), False, 4),
    "attributes": Part(
        "attributes", gettext_noop("Shared details"), gettext_noop("Same details"), False, 2
    ),
}

PARTS = tuple(TABLE)
