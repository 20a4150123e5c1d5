"""The contract between the core and optional apps, which the core never imports.

An app subclasses :class:`Extension` and registers an instance in its ``AppConfig.ready()``.
Admin, commands, tasks, template tags and migrations need no registration: Django and Celery find
them, and ``manage.py similarity`` finds the modules that an app keeps in ``subcommands``.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from django.db.models import Model
from django.http import HttpRequest

from similarity.catalog.content import ProductContent
from similarity.connections.metrics_export import Gauge

if TYPE_CHECKING:
    from similarity.models import EncoderVersion

Answer = TypeVar("Answer")
#: (user, limit, database) → keys of products.
PurchaseReader = Callable[[Any, int, str], Sequence[str]]


class Bought(NamedTuple):
    """A product of an order. ``user``: the buyer's primary key, None if they had no account.

    ``customer``: a text that distinguishes customers; empty if that is not known either.
    """

    user: Any
    customer: str
    product: Any
    at: datetime


class Extension:
    """The contributions of an optional app to the core. Every method does nothing by default."""

    #: Dotted path of URL patterns, included below the API's prefix.
    urls: str = ""
    #: The first segments of those paths. Below them an unknown address gets an answer in JSON.
    url_roots: Sequence[str] = ()

    #: Extensions of PostgreSQL that the app's tables require.
    postgres_extensions: Sequence[str] = ()

    def product_models(self) -> Sequence[type[Model]]:
        """Return models whose rows belong to a product, by a foreign key named ``product``."""
        return ()

    # In the pipeline

    def write(self, contents: Sequence[ProductContent], read_at: datetime | None) -> None:
        """Store the app's own data for these products.

        Runs in the transaction that writes their vectors. Rows written after ``read_at`` are
        newer, so they must stay.
        """

    def vectors_are_written(
        self, version: "EncoderVersion", contents: Sequence[ProductContent]
    ) -> None:
        """Store data that depends on these products' vectors, just written for ``version``.

        Runs in the transaction that wrote them, which holds the products.
        """

    def write_without_vectors(self, keys: Collection[str]) -> None:
        """Store the same for these products if encoders or versions cannot work."""

    def write_waiting(self) -> None:
        """Store the same for all products in the outbox if no version can be made live."""

    def outbox_is_empty(self) -> None:
        """Update data that depends on the whole catalogue; called after a drain."""

    # When reconcile compares the catalogue with the stored rows

    def fingerprints(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Return the stored fingerprint of each product; products not stored are missing."""
        return {}

    def fingerprint(self, content: ProductContent) -> str:
        """Return the fingerprint of the data that would be stored for this product now."""
        return ""

    # When a version is built

    def version_is_built(self, version: "EncoderVersion") -> None:
        """Learn data that depends on the version's vectors, before it may be promoted."""

    def version_goes_live(self, alias: str) -> None:
        """React to a promotion, in its transaction on the database ``alias``."""

    # In a worker

    def worker_is_alive(self) -> None:
        """Record that this worker is alive; called every few seconds in its main process."""

    # Questions from other apps; the first app with an answer wins

    def related_categories(self) -> Collection[tuple[str, str]]:
        """Return pairs of categories whose products sell together."""
        return ()

    def bought_with(self, groups: Sequence[str]) -> Mapping[str, Collection[str]]:
        """Return for each group of variants the groups that were bought together with it."""
        return {}

    def sales(self, keys: Sequence[str], using: str) -> Mapping[str, float]:
        """Return how much each of these products sells; recent sales count more."""
        return {}

    def purchase_reader(self) -> PurchaseReader | None:
        """Return a function that reads a user's purchases; None without orders.

        The function takes the user, the most keys wanted and the database. It returns the keys of
        the user's last purchases, latest first. It may raise any error of the host's own code.
        """
        return None

    def verified_users(self, users: Collection[Any]) -> Collection[Any] | None:
        """Return those of the users' primary keys who have a verified order; None if unknown.

        Public figures count verified users only, because anyone can make accounts. An answer
        without any user is an answer, too.
        """
        return None

    def purchases(self, user: Any, most: int, using: str) -> Sequence[tuple[Any, Any]]:
        """Return (product key, time) of a user's last purchases, latest first, in ``using``.

        A product bought twice is there twice; a time may be None. It may raise any error of the
        host's own code.
        """
        return ()

    def order_history(self, since: datetime | None) -> Iterator[Bought]:
        """Stream the products of all orders from ``since`` on that count, to learn from them."""
        yield from ()

    def nearness(
        self, request: HttpRequest, keys: Sequence[Any], using: str
    ) -> Mapping[Any, float]:
        """Return how near these products are to the shopper who asks, in [-1, 1], by key.

        Empty if nothing is known of the shopper, or if they refuse.
        """
        return {}

    # Data of a shopper who consented, see similarity.events

    def export_profile(self, profile_id: int, using: str) -> Mapping[str, Any]:
        """Return what the app keeps of a shopper, by name, as values that JSON can hold.

        ``profile_id`` is the key of the shopper's profile and is not part of the answer. An app
        that keeps something of shoppers implements this method and :meth:`erase_profile`.
        """
        return {}

    def erase_profile(self, profile_id: int, using: str) -> None:
        """Delete all that the app keeps of a shopper, also from caches and files.

        Called in the transaction on the database ``using`` that deletes the profile, perhaps more
        than once. An error rolls that transaction back, so that nothing is half erased.
        """

    # Operations

    def status(self) -> Mapping[str, Any]:
        """Return the entries that ``similarity status --json`` adds, by name."""
        return {}

    def status_lines(self, report: Mapping[str, Any]) -> list[str]:
        """Return the lines that ``similarity status`` prints for that report."""
        return []

    def gauges(self) -> Iterator[Gauge]:
        """Yield figures for Prometheus; each call has a time limit in the database."""
        yield from ()


_registered: dict[type[Extension], Extension] = {}


def register_extension(extension: Extension) -> None:
    """Add an app's extension; repeated calls add it only once."""
    _registered[type(extension)] = extension


def extensions() -> list[Extension]:
    """Return the extensions of the installed apps, in the order of INSTALLED_APPS."""
    return list(_registered.values())


def first_known(ask: Callable[[Extension], Answer], unknown: Answer) -> Answer:
    """Return the first non-empty answer of an extension, else ``unknown``."""
    return next((found for found in map(ask, extensions()) if found), unknown)
