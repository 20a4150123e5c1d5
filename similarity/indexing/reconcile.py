"""What the outbox never heard of: products whose stored vectors are missing or outdated."""

from collections.abc import Iterator

from similarity.catalog.adapter import get_adapter
from similarity.indexing import building, documents, encoding, vectors
from similarity.indexing.maintained import every_version


def changed_keys() -> Iterator[list[str]]:
    """Keys whose vectors of the live version, or whose search document, are missing or outdated.

    Page by page; reads the whole catalogue and runs no model. A product that cannot be read
    counts as changed: the outbox then keeps its error. Without a live version every product
    counts.
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
        unsearched = [content.key for content in documents.outdated(contents)]
        yield list(dict.fromkeys([*outdated, *unsearched, *unread]))
