"""A catalogue file into the shop, as one stream: rows → products → chunks → tables."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from django.db import transaction

from shop.feeds import mapping as mappings
from shop.feeds.grouped import read_groups
from shop.feeds.images import ImageFolder
from shop.feeds.mapping import ColumnMapping
from shop.feeds.product import FeedError, FeedProduct, Refusal
from shop.feeds.reader import read_rows
from shop.feeds.report import ImportReport
from shop.feeds.table import Table
from shop.feeds.writer import CatalogWriter, WriteOptions
from shop.models import Product

CHUNK = 200  # products written in one transaction


@dataclass(frozen=True)
class ImportOptions:
    """What is imported and how; see ``manage.py import_catalog --help``."""

    path: Path
    images: Path | None = None  # None: the folder of the file
    format: str = "auto"
    mapping: Path | None = None
    encoding: str = ""
    limit: int | None = None
    deactivate_missing: bool = False
    write: WriteOptions = field(default_factory=WriteOptions)


class Importer:
    """One run over one file. Memory holds a chunk of products, and the SKUs seen so far."""

    def __init__(self, options: ImportOptions, report: ImportReport) -> None:
        self.options = options
        self.report = report
        self._lines: dict[str, int] = {}  # SKU → line of the product that was taken
        self._mentioned: set[str] = set()  # SKUs of refused rows: not missing from the file
        folder = options.images or options.path.parent
        if not folder.is_dir():
            raise FeedError(f"There is no images folder {str(folder)!r}.")
        images = ImageFolder(folder, dry_run=options.write.dry_run)
        self._writer = CatalogWriter(images, options.write)

    def run(self, progress: Callable[[int], None] = lambda position_bytes: None) -> None:
        """Import the file, telling ``progress`` how many bytes of it have been read.

        Every chunk is committed before the next is read, so that an interrupted run is
        gone on with by running it again. Raises :class:`FeedError` where the file cannot
        be used, or where nothing of it could be imported.
        """
        with closing(Table(self.options.path, self.options.encoding)) as table:
            products = self._products(table, self.mapping_for(table))
            while chunk := list(islice(products, CHUNK)):
                self.report.add(self._writer.write(chunk))
                self.report.line = chunk[-1].line
                progress(table.position_bytes)
        if not self.report.imported:
            raise FeedError(f"Nothing of {self.options.path.name} could be imported.")
        if self.options.deactivate_missing:
            self._deactivate_missing()

    def mapping_for(self, table: Table) -> ColumnMapping:
        """The mapping the options ask for, or the known format the columns are those of."""
        options = self.options
        if options.mapping:
            found = mappings.load(options.mapping)
        elif options.format == "auto":
            found = mappings.recognise(table.columns, table.names)
        else:
            found = mappings.known()[options.format]
        return found.for_file(table.columns, table.names)

    def _products(self, table: Table, mapping: ColumnMapping) -> Iterator[FeedProduct]:
        """The products to write; what cannot be one goes to the report."""
        read = read_groups if mapping.grouped else read_rows
        for item in islice(read(table.rows(), mapping), self.options.limit):
            if isinstance(item, Refusal):
                self._mentioned.add(item.sku)
                self.report.refuse(item)
            elif item.sku in self._lines:
                reason = f"the SKU is already on line {self._lines[item.sku]}"
                self.report.refuse(Refusal(item.line, item.sku, reason))
            else:
                self._lines[item.sku] = item.line
                yield item

    def _deactivate_missing(self) -> None:
        keys = list(Product.objects.filter(is_active=True).values_list("pk", "sku"))
        there = self._lines.keys() | self._mentioned
        missing = [pk for pk, sku in keys if sku not in there]
        for start in range(0, len(missing), CHUNK):
            with transaction.atomic():
                for product in Product.objects.filter(pk__in=missing[start : start + CHUNK]):
                    if not self.options.write.dry_run:
                        product.is_active = False
                        product.save(update_fields=["is_active", "updated_at"])
                    self.report.deactivated += 1
