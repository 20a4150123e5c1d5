"""Categories, brands and slugs for a catalogue file, created on demand."""

import hashlib
from collections.abc import Iterable

from django.utils.text import slugify

from shop.models import Brand, Category
from similarity import normalise_code


class Taxonomy:
    """Categories by path and brands by name; missing ones are created.

    Found rows are cached for the run, so that a chunk of products costs one query for
    its new categories. Spellings of a brand that differ in case, accents, blanks or signs are
    the same brand: NIKE, Nike and nike. It keeps its first spelling.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Drop the cache, after a transaction that was rolled back."""
        self._categories: dict[str, Category] = {}
        self._brands: dict[str, Brand] | None = None

    def prepare(self, paths: Iterable[tuple[str, ...]], brands: Iterable[str]) -> None:
        """Find or create all of them."""
        paths = dict.fromkeys(paths)
        wanted = {" > ".join(path[:depth]) for path in paths for depth in range(1, len(path) + 1)}
        unknown = wanted - self._categories.keys()
        if unknown:
            for category in Category.objects.filter(path__in=unknown).order_by("-pk"):
                self._categories[category.path] = category
        for path in paths:
            self.category(path)
        if self._brands is None:
            every = Brand.objects.order_by("-pk")
            self._brands = {_brand_key(brand.name): brand for brand in every}
        for name in dict.fromkeys(name for name in brands if name):
            if _brand_key(name) not in self._brands:
                slug = _free_slug(Brand, name, name)
                self._brands[_brand_key(name)] = Brand.objects.create(name=name, slug=slug)

    def category(self, path: tuple[str, ...]) -> Category:
        """Return the category at ``path``, whose levels :meth:`prepare` has looked up."""
        key = " > ".join(path)
        if key not in self._categories:
            parent = self.category(path[:-1]) if len(path) > 1 else None
            slug = _free_slug(Category, path[-1], key)
            self._categories[key] = Category.objects.create(name=path[-1], slug=slug, parent=parent)
        return self._categories[key]

    def brand(self, name: str) -> Brand | None:
        return self._brands[_brand_key(name)] if name and self._brands is not None else None


def _brand_key(name: str) -> str:
    return normalise_code(name) or name.casefold()


def slug_candidates(text: str, key: str) -> list[str]:
    """Yield slugs for ``text``, best first: its own, then slugs that end in a hash of ``key``.

    The same key gives the same slugs in every run. Text without a letter that a slug can
    hold has only slugs with a hash.
    """
    slug = slugify(text)[:90].strip("-_")
    digest = hashlib.sha256(key.encode()).hexdigest()
    hashed = ["-".join(filter(None, [slug, digest[:length]])) for length in (8, 16, 64)]
    return [slug, *hashed] if slug else hashed


def _free_slug(model: type[Brand] | type[Category], text: str, key: str) -> str:
    own, *hashed = slug_candidates(text, key)
    candidates = [own, *filter(None, [slugify(key)[:150].strip("-_")]), *hashed]
    taken = set(model.objects.filter(slug__in=candidates).values_list("slug", flat=True))
    return next(slug for slug in candidates if slug not in taken)
