"""The adapter of shops whose products and variants are rows of one table.

A row with a parent is a variant. Shops sell variants and show parents: the shirt has a page, and
its sizes have prices, stock and article numbers.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db.models import Model, Q, QuerySet

from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.content import ProductContent


class VariantAdapter(CatalogAdapter):
    """An adapter that completes a variant's own content with its parent's.

    - A variant without a title, description or photo of its own has its parent's, and
      its parent's attributes beside its own.
    - Parent and variants share a group, so that a shelf shows only one of them, and an order of a
      variant counts for its parent.
    - A parent has the article numbers of its variants, so that a search for such a number finds
      the page that sells it.
    - A parent costs as much as its cheapest variant.

    A host implements :meth:`read`, :meth:`codes_of` and :meth:`price_of`, which return the data of
    one row, and ``eligible``. :meth:`load` fetches the data they need in few queries. ``parent``
    and ``children`` are the names of the foreign key and of its reverse.
    """

    parent = "parent"
    children = "children"

    @abstractmethod
    def read(self, product: Any) -> ProductContent:
        """Return the row's own content, without codes, price, parent or variants."""

    @abstractmethod
    def codes_of(self, product: Any) -> Sequence[str]:
        """Return the row's own article numbers."""

    @abstractmethod
    def price_of(self, product: Any) -> tuple[Decimal | None, str]:
        """Return (price, currency) of the row itself; (None, "") without a price."""

    def load(self, products: QuerySet[Any]) -> QuerySet[Any]:
        """Return ``products`` with the data :meth:`read` needs of each, parent and variants."""
        return products.select_related(self.parent).prefetch_related(self.children)

    def content(self, keys: Iterable[Any]) -> Iterator[ProductContent]:
        stored = self.model._base_manager.using(self.write_alias).filter(pk__in=list(keys))
        for product in self.load(stored):
            yield self.merge(product)

    def merge(self, product: Any) -> ProductContent:
        """Return :meth:`read` of the row, completed by its parent and its variants."""
        parent, variants = self.parent_of(product), self.children_of(product)
        content = self.read(product)
        if parent is not None:
            content = inherit(content, self.read(parent))
        codes = [code for one in (product, *variants) for code in self.codes_of(one)]
        price, currency = self.display_price(product)
        return replace(
            content,
            group=self._group(product.pk, None if parent is None else parent.pk, bool(variants)),
            codes=tuple(dict.fromkeys(codes)),
            price=price,
            currency=currency,
        )

    def display_price(self, product: Any) -> tuple[Decimal | None, str]:
        """Return (price, currency): its own, otherwise that of its cheapest variant."""
        price, currency = self.price_of(product)
        if price is not None:
            return price, currency
        prices = [self.price_of(child) for child in self.children_of(product)]
        known = [(amount, unit) for amount, unit in prices if amount is not None]
        return min(known, default=(None, currency))

    def parent_of(self, product: Any) -> Any | None:
        return getattr(product, self.parent)

    def children_of(self, product: Any) -> Sequence[Any]:
        return list(getattr(product, self.children).all())

    def groups(self, keys: Iterable[Any]) -> Mapping[Any, str]:
        every = self.model._base_manager.using(self.write_alias)
        products = every.filter(pk__in=list(keys))
        variants = every.filter(**{f"{self.parent}__in": products.values("pk")})
        parents = set(variants.values_list(f"{self.parent}__pk", flat=True))
        rows = products.values_list("pk", f"{self.parent}__pk")
        return {key: self._group(key, parent, key in parents) for key, parent in rows}

    @staticmethod
    def _group(key: Any, parent: Any, has_variants: bool) -> str:
        if parent is not None:
            return str(parent)
        return str(key) if has_variants else ""

    def related_models(self) -> Mapping[type[Model], Sequence[str]]:
        """Return the model itself: a parent's change concerns its variants, and the reverse."""
        return {self.model: [self.parent, self.children]}

    def either(self, **condition: Any) -> Q:
        """Return a condition for products that meet it themselves, by their parent or by a variant.

        Write conditions over to-many relations with ``Exists`` or ``__in``, because a join would
        repeat the product.
        """
        found = self.model._base_manager.filter(**condition).order_by()
        return (
            Q(pk__in=found.values("pk"))
            | Q(**{f"{self.parent}__in": found.values("pk")})
            | Q(pk__in=found.exclude(**{self.parent: None}).values(self.parent))
        )


def inherit(own: ProductContent, parent: ProductContent) -> ProductContent:
    """Return a variant's content, with its parent's if it has none of its own."""
    return replace(
        own,
        title=own.title or parent.title,
        description=own.description or parent.description,
        attributes={**parent.attributes, **own.attributes},
        images=own.images or parent.images,
    )
