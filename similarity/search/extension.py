"""The search app's hooks into the core: they write a document beside each product's vectors."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import Model

from similarity import conf
from similarity.catalog.content import ProductContent
from similarity.connections import caching, wakeup
from similarity.extension import Extension
from similarity.models import EncoderVersion
from similarity.search import documents, mailbox, queries, query_floors, vocabulary
from similarity.search.models import SearchDocument
from similarity.vectors import upsert
from similarity.worker import takes_from


class SearchExtension(Extension):
    urls = "similarity.search.api.urls"
    url_roots = ("search", "suggest", "rerank")
    #: For misspelt words, and for letters without their accents.
    postgres_extensions = ("pg_trgm", "unaccent")

    def product_models(self) -> Sequence[type[Model]]:
        return (SearchDocument,)

    def write(self, contents: Sequence[ProductContent], read_at: datetime | None) -> None:
        documents.write(contents, read_at=read_at)

    def write_without_vectors(self, keys: Collection[str]) -> None:
        documents.index(list(keys))

    def write_waiting(self) -> None:
        documents.index_waiting()

    def outbox_is_empty(self) -> None:
        if vocabulary.refresh_if_outgrown():
            query_floors.refresh()

    def fingerprints(self, keys: Sequence[str]) -> Mapping[str, str]:
        rows = SearchDocument.objects.using(upsert.alias()).filter(product__in=list[Any](keys))
        return {str(key): mark for key, mark in rows.values_list("product_id", "fingerprint")}

    def fingerprint(self, content: ProductContent) -> str:
        return documents.Document(content).fingerprint

    def version_is_built(self, version: EncoderVersion) -> None:
        query_floors.learn(version)

    def version_goes_live(self, alias: str) -> None:
        wakeup.on_commit(alias, queries.TASK)

    def worker_is_alive(self) -> None:
        for queue in (mailbox.QUERIES, mailbox.PICTURES):
            if takes_from(conf.get("SEARCH", queue)):
                caching.attempt(partial(mailbox.note_alive, queue))
