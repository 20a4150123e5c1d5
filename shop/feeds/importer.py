"""The import of a catalogue file, as one stream: rows → products → chunks → tables."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from django.db import transaction

from shop.feeds import mapping as mappings
from shop.feeds.children import read_children
from shop.feeds.grouped import read_groups
from shop.feeds.images import ImageFolder
from shop.feeds.mapping import ColumnMapping
from shop.feeds.product import FeedError, FeedProduct, Refusal
from shop.feeds.reader import read_rows
from shop.feeds.report import ImportReport
from shop.feeds.survey import Source, Survey, kept, survey
from shop.feeds.table import Table
from shop.feeds.writer import CatalogWriter, WriteOptions
from shop.feeds.xml_feed import XmlFeed, is_xml
from shop.models import Product

CHUNK = 200  # products written in one transaction


@dataclass(frozen=True)
class ImportOptions:
    """Options of an import; see ``manage.py import_catalog --help``."""

    path: Path
    images: Path | None = None  # None: the folder of the file
    format: str = "auto"
    mapping: Path | None = None
    encoding: str = ""
    limit: int | None = None
    deactivate_missing: bool = False
    write: WriteOptions = field(default_factory=WriteOptions)


class Importer:
    """A run over a file. Memory holds a chunk of products, and the SKUs seen so far."""

    def __init__(self, options: ImportOptions, report: ImportReport) -> None:
        self.options = options
        self.report = report
        self._lines: dict[str, int] = {}  # SKU or key → line of the product that was taken
        self._mentioned: set[str] = set()  # SKUs of refused rows: not missing from the file
        folder = options.images or options.path.parent
        if not folder.is_dir():
            raise FeedError(f"There is no images folder {str(folder)!r}.")
        self._images = ImageFolder(folder, dry_run=options.write.dry_run)
        self._writer = CatalogWriter(self._images, options.write)

    def run(self, progress: Callable[[int], None] = lambda position_bytes: None) -> None:
        """Import the file and call ``progress`` with the number of bytes read.

        Check the whole file before the first product is written. Commit every chunk before the
        next is read, so that a second run resumes an interrupted one. Raise :class:`FeedError`
        if the file cannot be used, or if no row of it could be imported.
        """
        with closing(self._source()) as source:
            mapping = self.mapping_for(source)
            found = survey(source, mapping, self._images)
            self._note(source, found)
            products = self._products(source, mapping, found)
            while chunk := list(islice(products, CHUNK)):
                self.report.add(self._writer.write(chunk))
                self.report.line = chunk[-1].line
                progress(source.position_bytes)
        if self._images.by_name:
            self.report.note(
                "Photos found by the end of their path, such as the file name alone: "
                f"{self._images.by_name}."
            )
        if not self.report.imported:
            raise FeedError(f"Nothing of {self.options.path.name} could be imported.")
        if self.options.deactivate_missing:
            self._deactivate_missing()

    def mapping_for(self, source: Source) -> ColumnMapping:
        """Return the mapping of the options, or of the known format with these columns."""
        asked = self._asked_for()
        found = asked or mappings.recognise(source.columns, source.names)
        found = found.for_file(source.columns, source.names)
        currency = self.options.write.currency
        if currency and "currency" not in found.defaults:
            found = replace(found, defaults={**found.defaults, "currency": currency})
        return found

    def _asked_for(self) -> ColumnMapping | None:
        options = self.options
        if options.mapping:
            return mappings.load(options.mapping)
        return None if options.format == "auto" else mappings.known()[options.format]

    def _source(self) -> Source:
        path = self.options.path
        if not path.is_file():
            raise FeedError(f"There is no file {str(path)!r}.")
        if is_xml(path):
            return XmlFeed(path, self.options.encoding)
        asked = self._asked_for()
        formats = [asked] if asked else list(mappings.known().values())
        return Table(
            path,
            self.options.encoding,
            lambda columns: any(one.names_columns(columns) for one in formats),
        )

    def _note(self, source: Source, found: Survey) -> None:
        """Report assumptions and unread columns."""
        for note in source.notes:
            self.report.note(note)
        if found.unread:
            self.report.note(f"Columns that are not read: {', '.join(found.unread)}.")
        if found.left_out:
            self.report.note(
                f"{found.left_out} rows were left out: store views, or products that are sold by "
                "their variants alone."
            )

    def _products(
        self, source: Source, mapping: ColumnMapping, found: Survey
    ) -> Iterator[FeedProduct]:
        """Yield the products to write; report the other rows."""
        rows = kept(source.rows(), mapping)
        if mapping.grouped:
            items = read_groups(rows, mapping, found)
        elif mapping.parents:
            items = read_children(rows, mapping, found)
        else:
            items = read_rows(rows, mapping)
        for item in islice(items, self.options.limit):
            if isinstance(item, Refusal):
                self._mentioned.add(item.sku)
                self.report.refuse(item)
            else:
                yield from self._taken_once(item)

    def _taken_once(self, item: FeedProduct) -> Iterator[FeedProduct]:
        """Return the product unless the file repeats it; report its omitted cells."""
        for remark in item.remarks:
            self.report.refuse(Refusal(item.line, item.sku, remark, kind="cell"))
        known_by = f"\n{item.feed_key}" if item.feed_key else item.sku
        if known_by in self._lines:
            known = "variant" if item.feed_key else "SKU"
            reason = f"the {known} is already on line {self._lines[known_by]}"
            self.report.refuse(Refusal(item.line, item.sku, reason))
            return
        if item.feed_key and item.sku in self._lines:  # of another handle and other options
            digest = hashlib.sha256(item.feed_key.encode()).hexdigest()[:8]
            item = replace(item, sku=f"{item.sku[:90]}-{digest}")
        self._lines[item.sku] = self._lines[known_by] = item.line
        yield item

    def _deactivate_missing(self) -> None:
        rows = Product.objects.filter(is_active=True).values_list("pk", "sku", "feed_key")
        there = self._lines.keys() | self._mentioned
        missing = [
            pk for pk, sku, key in list(rows) if sku not in there and f"\n{key}" not in there
        ]
        for start in range(0, len(missing), CHUNK):
            with transaction.atomic():
                for product in Product.objects.filter(pk__in=missing[start : start + CHUNK]):
                    if not self.options.write.dry_run:
                        product.is_active = False
                        product.save(update_fields=["is_active", "updated_at"])
                    self.report.deactivated += 1
