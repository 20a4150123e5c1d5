"""What the outbox never heard of: products whose stored vectors are missing or outdated."""

from collections.abc import Iterator

from similarity.catalog.adapter import get_adapter
from similarity.indexing import building, encoding, vectors
from similarity.indexing.maintained import every_version


def changed_keys() -> Iterator[list[str]]:
    """Keys whose fingerprint is not the one stored for the live version, page by page.

    Reads the whole catalogue and runs no model. A product that cannot be read counts as
    changed: the outbox then keeps its error. Without a live version every product counts.
    """
    live = every_version().live()
    adapter = get_adapter()
    for keys in building.pages():
        if live is None:
            yield keys
            continue
        contents, unread = encoding.read_contents(adapter, keys)
        stored = vectors.fingerprints([live], keys)
        outdated = [c.key for c in contents if stored.get((live.pk, c.key)) != c.fingerprint]
        yield [*outdated, *unread]
