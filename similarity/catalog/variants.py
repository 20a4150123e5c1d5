"""The adapter of shops whose products and their variants are rows of one table.

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
    """What a variant says of itself comes first, and its parent says the rest.

    - A variant without a title, description or photo of its own has its parent's, and
      its parent's attributes beside its own.
    - Parent and variants share a group, so that a shelf shows one of them, and an order of a
      variant counts for its parent.
    - A parent has the article numbers of its variants, so that a search for one of them finds
      the page that sells it.

    - A parent costs what its cheapest variant costs.

    A host writes :meth:`read`, :meth:`codes_of` and :meth:`price_of`, which say what one row
    holds, and ``eligible``. :meth:`load` fetches what these need in few queries. ``parent`` and
    ``children`` are the names of the foreign key and of its reverse.
    """

    parent = "parent"
    children = "children"

    @abstractmethod
    def read(self, product: Any) -> ProductContent:
        """What the row itself holds, without codes and price, and nothing of parent or variants."""

    @abstractmethod
    def codes_of(self, product: Any) -> Sequence[str]:
        """The row's own article numbers."""

    @abstractmethod
    def price_of(self, product: Any) -> tuple[Decimal | None, str]:
        """(price, currency) of the row itself; (None, "") where it has none."""

    def load(self, products: QuerySet[Any]) -> QuerySet[Any]:
        """``products`` with what :meth:`read` needs of each, of its parent and its variants."""
        return products.select_related(self.parent).prefetch_related(self.children)

    def content(self, keys: Iterable[Any]) -> Iterator[ProductContent]:
        stored = self.model._base_manager.using(self.write_alias).filter(pk__in=list(keys))
        for product in self.load(stored):
            yield self.merge(product)

    def merge(self, product: Any) -> ProductContent:
        """:meth:`read` of the row, filled up by its parent and its variants."""
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
        """(price, currency): its own, otherwise that of its cheapest variant."""
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
        """A parent's change concerns its variants, and a variant's its parent."""
        return {self.model: [self.parent, self.children]}

    def either(self, **condition: Any) -> Q:
        """Products for which the condition holds, or whose parent or a variant meets it.

        Conditions over to-many relations are written with ``Exists`` or ``__in``: a join would
        repeat the product.
        """
        found = self.model._base_manager.filter(**condition).order_by()
        return (
            Q(pk__in=found.values("pk"))
            | Q(**{f"{self.parent}__in": found.values("pk")})
            | Q(pk__in=found.exclude(**{self.parent: None}).values(self.parent))
        )


def inherit(own: ProductContent, parent: ProductContent) -> ProductContent:
    """A variant's content, with its parent's where it has none of its own."""
    return replace(
        own,
        title=own.title or parent.title,
        description=own.description or parent.description,
        attributes={**parent.attributes, **own.attributes},
        images=own.images or parent.images,
    )
