"""The settings of orders: ``SIMILARITY["ORDERS"]["SOURCE"]``."""

from collections.abc import Mapping

from similarity.conf import (
    Setting,
    declare,
    is_number,
    is_positive,
    is_text,
    is_whole,
    source,
    whole,
)

declare(
    "ORDERS",
    {
        # A dict maps the order model's fields, a string is the dotted path of an adapter, and None
        # means that there are no orders. See similarity.orders.mapping.MappedOrders.
        "SOURCE": source(
            None,
            "a dict that maps fields, the dotted path of an adapter, or None",
            required=False,
        ),
        "WINDOW_DAYS": whole(730),  # older orders do not count
        # An order loses half its weight in this number of days.
        "HALF_LIFE_DAYS": Setting(180, "a number of days above 0", is_positive),
        "MIN_SHOPPERS": whole(3),  # hide pairs bought by fewer customers than this
        "MAX_BASKET": whole(100),  # a larger order (a reseller's) makes no pairs
        "ENGINE": Setting(
            "similarity.orders.counting.local.LocalEngine", "the dotted path of an engine", is_text
        ),
        # For SparkEngine: entries of Spark's own configuration, such as "spark.master".
        "SPARK": Setting(
            {},
            "a dict of text → text",
            lambda value: (
                isinstance(value, Mapping) and all(map(is_text, (*value, *value.values())))
            ),
        ),
        # Maximum number of proposed bundles; 0 turns proposals off.
        "BUNDLE_PROPOSALS": Setting(
            50, "a whole number, 0 or above", lambda value: value == 0 or is_whole(value)
        ),
        # Discount of a suggested bundle price.
        "BUNDLE_DISCOUNT_PERCENT": Setting(
            10,
            "a number of percent from 0 to below 100",
            lambda value: is_number(value) and 0 <= value < 100,
        ),
    },
)
