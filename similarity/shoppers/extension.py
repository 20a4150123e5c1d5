"""Extend the core with personal shelves: vectors of new products, URLs, status."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.http import HttpRequest

from similarity.catalog.content import ProductContent
from similarity.connections.metrics_export import Gauge
from similarity.extension import Extension
from similarity.models import EncoderVersion
from similarity.shoppers import item_upkeep, promotion, status
from similarity.shoppers.affinity import read_affinity
from similarity.similar.within import key_field
from similarity.vectors import upsert


class ShoppersExtension(Extension):
    urls = "similarity.shoppers.api.urls"
    url_roots = ("recommendations",)

    def vectors_are_written(
        self, version: EncoderVersion, contents: Sequence[ProductContent]
    ) -> None:
        keys = [key_field().to_python(content.key) for content in contents]
        item_upkeep.write_changed(version.pk, keys, upsert.alias())

    def nearness(
        self, request: HttpRequest, keys: Sequence[Any], using: str
    ) -> Mapping[Any, float]:
        return read_affinity(request, keys, using)

    def erase_profile(self, profile_id: int, using: str) -> None:
        """Note on the models that one of the shoppers they learned from is gone."""
        promotion.note_erasure(using)

    def status(self) -> Mapping[str, Any]:
        return {"shoppers": status.report()}

    def status_lines(self, report: Mapping[str, Any]) -> list[str]:
        return status.lines(report["shoppers"])

    def gauges(self) -> Iterator[Gauge]:
        yield from status.gauges()
