"""Rendering of tags: in the page's own engine, with each element id and style sheet once a page."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial, wraps
from typing import Any
from uuid import UUID

from django.db import close_old_connections
from django.template import Context
from django.utils.safestring import SafeString, mark_safe

from similarity.logs import log_error
from similarity.similar.shown import note_shown

logger = logging.getLogger(__name__)

#: Threads that render shelves for pages of async views.
ASYNC_THREADS = 4

#: The name of a source that is no product, in messages.
_CART = "a cart"

_threads = ThreadPoolExecutor(ASYNC_THREADS, "similarity-async")


def anywhere(tag: Callable[..., Any]) -> Callable[..., Any]:
    """Let ``tag`` also work in an async view's page, where Django forbids queries.

    It is rendered in a thread with a connection of its own, and the page waits for it.
    """

    @wraps(tag)
    def drawn(*arguments: Any, **named: Any) -> Any:
        if not _in_async_view():
            return tag(*arguments, **named)
        call = partial(_in_thread, partial(tag, *arguments, **named))
        return _threads.submit(copy_context().run, call).result()

    return drawn


def _in_async_view() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_thread(call: Callable[[], Any]) -> Any:
    close_old_connections()
    try:
        return call()
    finally:
        close_old_connections()


def draw(
    context: Context,
    tag: str,
    source: Any,
    template: str,
    title: str,
    find: Callable[[], dict[str, Any]],
    *,
    explain: bool = False,
) -> SafeString:
    """Return the rendered shelf of ``source``, a product or a cart; ``find`` gives its values.

    Returns an empty string if ``find`` gives no values. An error is logged and also gives an
    empty string, so that the page is rendered without the shelf.
    """
    if is_nothing(source, tag):
        return mark_safe("")
    key = key_of(source)
    key = key if isinstance(key, str | int | UUID) else _CART
    try:
        found = find()
        if not found:
            return mark_safe("")
        own = [] if key == _CART else [key]
        note_shown(context.get("request"), [*own, *_products_of(found)])
        shelf_id = unique_id(context, element_id(tag, key, template, title))
        values = {"title": title, "shelf_id": shelf_id, "source": key, "explain": explain}
        return render(context, template, {**values, **found})
    except Exception as error:  # noqa: BLE001 - the page is rendered without the shelf
        log_error(logger, error, "{%% %s %%} has no shelf for %s.", tag, key)
        return mark_safe("")


def _products_of(found: dict[str, Any]) -> Iterator[Any]:
    """Yield keys of the products that a shelf shows: its items, and those of its offers."""
    for item in found.get("items", ()):
        yield item.hit.key
    for offer in found.get("offers", ()):
        yield from (product.pk for product in offer.products)


def render(context: Context, name: str, values: dict[str, Any]) -> SafeString:
    """Render like an inclusion tag: the template sees its own values and not the page's."""
    engine = context.template.engine  # type: ignore[union-attr]
    inner = context.new(values)
    inner["request"] = context.get("request")
    inner["csrf_token"] = context.get("csrf_token")
    # Called from the template: a template with its own styles leaves these to the next shelf.
    inner["styles"] = partial(_first, context, "styles")
    return engine.get_template(name).render(inner)


def element_id(*told: Any) -> str:
    """Return an element id computed from a shelf's arguments: the same at each request, so that
    a page and its ETag stay the same."""
    digest = hashlib.blake2s(json.dumps(told, default=str).encode(), digest_size=6).hexdigest()
    return f"similarity-{digest}"


def unique_id(context: Context, wanted: str) -> str:
    """Return the wanted id, with a number if the page shows the same shelf again."""
    number, candidate = 1, wanted
    while not _first(context, candidate):
        number += 1
        candidate = f"{wanted}-{number}"
    return candidate


def is_nothing(value: Any, tag: str) -> bool:
    """Return True for "" and None, by which an undefined variable reaches a tag; log a warning."""
    if value is not None and not (isinstance(value, str) and value == ""):
        return False
    logger.warning(
        "{%% %s %%} received %r; is its variable misspelt, or not in the context?", tag, value
    )
    return True


def key_of(product: Any) -> Any:
    """Return the key of an instance, or the key itself."""
    return getattr(product, "pk", product)


def _first(context: Context, name: str) -> bool:
    """Return True at the first call with ``name`` in this rendering of the page."""
    page: Any = context.render_context.dicts[0]  # all templates of one rendering share it
    seen = page.setdefault("similarity", set())
    if name in seen:
        return False
    seen.add(name)
    return True
