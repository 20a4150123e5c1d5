"""The contract between the core and optional apps, which the core never imports.

An app subclasses :class:`Extension` and registers an instance in its ``AppConfig.ready()``.
Admin, commands, tasks, template tags and migrations need no registration: Django and Celery find
them by themselves, and ``manage.py similarity`` finds what an app keeps in ``subcommands``.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Model

from similarity.catalog.content import ProductContent
from similarity.connections.metrics_export import Gauge

if TYPE_CHECKING:
    from similarity.models import EncoderVersion

Answer = TypeVar("Answer")
#: (user, most, database) → keys of products.
PurchaseReader = Callable[[Any, int, str], Sequence[str]]


class Extension:
    """What an optional app adds to the work of the core. Every method does nothing by default."""

    #: Dotted path of URL patterns that are included below the API's prefix.
    urls: str = ""
    #: The first segments of those paths, below which an unknown address is answered as JSON.
    url_roots: Sequence[str] = ()

    #: Extensions of PostgreSQL that the app's tables need.
    postgres_extensions: Sequence[str] = ()

    def product_models(self) -> Sequence[type[Model]]:
        """Return models whose rows belong to a product, by a foreign key named ``product``."""
        return ()

    # In the pipeline

    def write(self, contents: Sequence[ProductContent], read_at: datetime | None) -> None:
        """Store what the app keeps of these products.

        Runs in the transaction that writes their vectors. Rows written after ``read_at`` are
        newer and stay.
        """

    def write_without_vectors(self, keys: Collection[str]) -> None:
        """Store the same for these products where encoders or versions allow no work."""

    def write_waiting(self) -> None:
        """Store the same for all products in the outbox where no version can be made live."""

    def outbox_is_empty(self) -> None:
        """Bring up to date what depends on the whole catalogue; called after a drain."""

    # When the catalogue is compared with what is stored

    def fingerprints(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Return the stored fingerprint of each product; those that are not stored are missing."""
        return {}

    def fingerprint(self, content: ProductContent) -> str:
        """Return the fingerprint of what would be stored of this product now."""
        return ""

    # When a version is made

    def version_is_built(self, version: "EncoderVersion") -> None:
        """Learn what depends on the version's vectors, before it may be promoted."""

    def version_goes_live(self, alias: str) -> None:
        """React to a promotion, in its transaction on the database ``alias``."""

    # In a worker

    def worker_is_alive(self) -> None:
        """Note that this worker lives; called every few seconds in its main process."""

    # Questions that others may ask; the first app that knows answers

    def related_categories(self) -> Collection[tuple[str, str]]:
        """Return pairs of categories whose products sell together."""
        return ()

    def bought_with(self, groups: Sequence[str]) -> Mapping[str, Collection[str]]:
        """Return for each group of variants the groups it was bought together with."""
        return {}

    def sales(self, keys: Sequence[str], using: str) -> Mapping[str, float]:
        """Return how much each of these products sells, recent sales counting more."""
        return {}

    def purchase_reader(self) -> PurchaseReader | None:
        """Return what reads the purchases of a user, None without orders.

        It takes the user, the most keys wanted and the database, and returns the keys of what the
        user bought last, the latest first. It may raise what the host's own code raises.
        """
        return None

    # Operations

    def status(self) -> Mapping[str, Any]:
        """Return what ``similarity status --json`` adds, by name."""
        return {}

    def status_lines(self, report: Mapping[str, Any]) -> list[str]:
        """Return lines that ``similarity status`` prints of that report."""
        return []

    def gauges(self) -> Iterator[Gauge]:
        """Yield figures for Prometheus; each call has a time limit in the database."""
        yield from ()


_registered: dict[type[Extension], Extension] = {}


def register_extension(extension: Extension) -> None:
    """Add an app's extension, once however often this is called."""
    _registered[type(extension)] = extension


def extensions() -> list[Extension]:
    """Return the extensions of the installed apps, in the order of INSTALLED_APPS."""
    return list(_registered.values())


def first_known(ask: Callable[[Extension], Answer], unknown: Answer) -> Answer:
    """Return the first answer of an extension that is not empty, else ``unknown``."""
    return next((found for found in map(ask, extensions()) if found), unknown)
