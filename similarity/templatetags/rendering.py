"""How the tags draw: into the page's own engine, each element id and style sheet once a page."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial, wraps
from typing import Any
from uuid import UUID

from django.db import close_old_connections
from django.template import Context
from django.utils.safestring import SafeString, mark_safe

from similarity.logs import log_error

logger = logging.getLogger(__name__)


#: Threads that draw shelves for pages of async views.
ASYNC_THREADS = 4

_threads = ThreadPoolExecutor(ASYNC_THREADS, "similarity-async")


def anywhere(tag: Callable[..., Any]) -> Callable[..., Any]:
    """Let ``tag`` be used in an async view's page too, where Django forbids queries.

    It is drawn in a thread with a connection of its own, and the page waits for it.
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
    """The shelf of ``source``, a product or a cart, with what ``find`` gives to its template.

    Nothing where that is empty. An error is logged and nothing is drawn: the page goes on.
    """
    if is_nothing(source, tag):
        return mark_safe("")
    key = key_of(source)
    key = key if isinstance(key, str | int | UUID) else "a cart"
    try:
        found = find()
        if not found:
            return mark_safe("")
        shelf_id = unique_id(context, element_id(tag, key, template, title))
        values = {"title": title, "shelf_id": shelf_id, "source": key, "explain": explain}
        return render(context, template, {**values, **found})
    except Exception as error:  # noqa: BLE001 - the page goes on without the shelf
        log_error(logger, error, "{%% %s %%} has no shelf for %s.", tag, key)
        return mark_safe("")


def render(context: Context, name: str, values: dict[str, Any]) -> SafeString:
    """As an inclusion tag does: the template sees its own values and not the page's."""
    engine = context.template.engine  # type: ignore[union-attr]
    inner = context.new(values)
    inner["request"] = context.get("request")
    inner["csrf_token"] = context.get("csrf_token")
    # Called where a template asks for it: one that has its own styles leaves them to the next.
    inner["styles"] = partial(_first, context, "styles")
    return engine.get_template(name).render(inner)


def element_id(*told: Any) -> str:
    """An element id made of what a shelf shows: the same at each request, so that a page and
    its ETag stay as they are."""
    digest = hashlib.blake2s(json.dumps(told, default=str).encode(), digest_size=6).hexdigest()
    return f"similarity-{digest}"


def unique_id(context: Context, wanted: str) -> str:
    """The id wanted, numbered where a page shows the same shelf again."""
    number, candidate = 1, wanted
    while not _first(context, candidate):
        number += 1
        candidate = f"{wanted}-{number}"
    return candidate


def is_nothing(value: Any, tag: str) -> bool:
    """An undefined variable reaches a tag as "" or None, and has no shelf."""
    if value is not None and not (isinstance(value, str) and value == ""):
        return False
    logger.warning(
        "{%% %s %%} was given %r; is its variable misspelt, or not in the context?", tag, value
    )
    return True


def key_of(product: Any) -> Any:
    """The key of an instance, or what was given for one."""
    return getattr(product, "pk", product)


def _first(context: Context, name: str) -> bool:
    """Whether ``name`` is asked for the first time in this rendering of the page."""
    page: Any = context.render_context.dicts[0]  # all templates of one rendering share it
    seen = page.setdefault("similarity", set())
    if name in seen:
        return False
    seen.add(name)
    return True
