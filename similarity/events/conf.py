"""The settings of events: ``SIMILARITY["EVENTS"]``."""

from similarity.conf import Setting, declare, is_list_of_text, is_text, whole

declare(
    "EVENTS",
    {
        # Events are dropped a month at a time, once all of a month is older than this.
        "RETENTION_DAYS": whole(395),
        # The dotted path of a function (request) → bool, from the shop's own consent tool.
        # None: consent is given by `me/preferences/`, and nothing is kept before.
        "CONSENT": Setting(
            None,
            "the dotted path of a function (request) → bool, or None",
            lambda value: value is None or is_text(value),
        ),
        # Events on products of these categories are never kept (health, religion, size …).
        "DENIED_CATEGORIES": Setting([], "a list of categories' names", is_list_of_text),
        "PER_MINUTE": whole(120),  # more events of a shopper in a minute are refused
    },
)
