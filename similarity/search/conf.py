"""The settings of search: ``SIMILARITY["SEARCH"]``."""

from similarity.conf import Setting, declare, is_text, is_whole, queue, switch, whole

declare(
    "SEARCH",
    {
        # PostgreSQL's text search configuration of the catalogue.
        "LANGUAGE": Setting("english", "the name of a text search configuration", is_text),
        # The longest time the database searches and counts for a page; None: no limit.
        "TIME_LIMIT_MS": Setting(
            500, "a whole number above 0, or None", lambda value: value is None or is_whole(value)
        ),
        # The longest time a page waits for the vector of a query.
        "QUERY_TIMEOUT_MS": whole(150),
        "QUEUE": queue("similarity.queries"),  # questions that a shopper waits for
        "PICTURE_QUEUE": queue("similarity.pictures"),  # pictures that shoppers search by
        # True encodes queries in the web process, which then loads torch.
        "ENCODE_IN_PROCESS": switch(False),
        # Folder or package of a transformers model that scores the best 50.
        "CROSS_ENCODER": Setting(
            None,
            "the folder or package of a model, or None",
            lambda value: value is None or is_text(value),
        ),
    },
)
