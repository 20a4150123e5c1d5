"""``{% load similarity %}``: shelves of similar products.

``{% similar_products product limit=8 %}`` renders ``similarity/similar_products.html``;
``{% get_similar product limit=8 as hits %}`` gives the hits to a template of the host's.
An error is logged, and the page goes on without the shelf.
"""

import logging
from functools import partial
from typing import Any

from django import template
from django.db.models import QuerySet
from django.template import Context
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from similarity.exceptions import QueryError
from similarity.retrieval.cached import cached_similar, shelf_items
from similarity.retrieval.fragments import DEFAULT_TEMPLATE, ShelfArguments
from similarity.retrieval.hits import Hit

logger = logging.getLogger(__name__)
register = template.Library()


@register.simple_tag(takes_context=True)
def similar_products(
    context: Context,
    product: Any,
    limit: int = 8,
    *,
    title: str | None = None,
    diversity: float = 0.0,
    within: QuerySet[Any] | None = None,
    explain: bool = False,
    template: str = DEFAULT_TEMPLATE,
    lazy: bool = False,
) -> SafeString:
    """A shelf of products similar to ``product``, an instance or its key.

    ``within`` narrows the shelf to a queryset; ``lazy`` leaves a placeholder, and the shelf
    is fetched when it comes near the viewport.
    """
    title = gettext("Similar products") if title is None else title
    if _is_nothing(product, "similar_products"):
        return mark_safe("")
    try:
        arguments = ShelfArguments(str(_key(product)), limit, title, diversity, explain, template)
        if lazy:
            return _placeholder(context, arguments, within)
        hits = _hits(context, product, limit, within, diversity, explain)
        shelf = {"items": shelf_items(hits), "title": title, "explain": explain}
        shelf |= {"source": _key(product), "shelf_id": _shelf_id(context, arguments)}
        return _render(context, template, shelf) if hits else mark_safe("")
    except Exception:
        logger.exception("No shelf of products similar to %s.", _key(product))
        return mark_safe("")


@register.simple_tag(takes_context=True)
def get_similar(
    context: Context,
    product: Any,
    limit: int = 8,
    *,
    diversity: float = 0.0,
    within: QuerySet[Any] | None = None,
    explain: bool = False,
) -> list[Hit]:
    """The hits themselves, each with its ``product``; an empty list where there are none."""
    if _is_nothing(product, "get_similar"):
        return []
    try:
        return _hits(context, product, limit, within, diversity, explain)
    except Exception:
        logger.exception("No products similar to %s.", _key(product))
        return []


def _is_nothing(product: Any, tag: str) -> bool:
    """An undefined variable reaches the tag as "" or None, and has no products like it."""
    if product is not None and product != "":
        return False
    logger.warning(
        "{%% %s %%} was given %r for a product; is its variable misspelt, or not in the context?",
        tag,
        product,
    )
    return True


def _first(context: Context, name: str) -> bool:
    """Whether ``name`` is asked for the first time in this rendering of the page."""
    page: Any = context.render_context.dicts[0]  # all templates of one rendering share it
    seen = page.setdefault("similarity", set())
    if name in seen:
        return False
    seen.add(name)
    return True


def _shelf_id(context: Context, arguments: ShelfArguments) -> str:
    """The arguments' own, numbered where a page shows the same shelf again."""
    number, candidate = 1, arguments.shelf_id
    while not _first(context, candidate):
        number += 1
        candidate = f"{arguments.shelf_id}-{number}"
    return candidate


def _hits(
    context: Context,
    product: Any,
    limit: int,
    within: QuerySet[Any] | None,
    diversity: float,
    explain: bool,
) -> list[Hit]:
    return cached_similar(
        product,
        limit,
        request=context.get("request"),
        within=within,
        diversity=diversity,
        explain=explain,
    )


def _placeholder(
    context: Context, arguments: ShelfArguments, within: QuerySet[Any] | None
) -> SafeString:
    if within is not None:
        raise QueryError(
            "similar_products was given lazy=True and within; a queryset cannot travel in an "
            "address. Leave one of them out."
        )
    address = reverse("similarity:fragment", args=[arguments.signed()])
    return _render(
        context,
        "similarity/lazy.html",
        {"address": address, "title": arguments.title, "source": arguments.product},
    )


def _render(context: Context, name: str, values: dict[str, Any]) -> SafeString:
    """As an inclusion tag does: the template sees its own values and not the page's."""
    engine = context.template.engine  # type: ignore[union-attr]
    inner = context.new(values)
    inner["request"] = context.get("request")
    inner["csrf_token"] = context.get("csrf_token")
    # Called where a template asks for it: one that has its own styles leaves them to the next.
    inner["styles"] = partial(_first, context, "styles")
    return engine.get_template(name).render(inner)


def _key(product: Any) -> Any:
    return getattr(product, "pk", product)
