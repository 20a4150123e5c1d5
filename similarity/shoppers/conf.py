"""The settings of personal shelves: ``SIMILARITY["SHOPPERS"]``."""

from similarity.conf import Setting, declare, is_number, whole

declare(
    "SHOPPERS",
    {
        # Public shelves (trending, people also viewed) count only products that this many verified
        # shoppers looked at.
        "MIN_SHOPPERS": whole(5),
        # Share of a personal shelf that is kept for new products.
        "EXPLORATION": Setting(
            0.1, "a number from 0 to 0.5", lambda value: is_number(value) and 0 <= value <= 0.5
        ),
    },
)
