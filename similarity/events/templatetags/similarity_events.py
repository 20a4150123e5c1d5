"""``{% load similarity_events %}``: the script of events, and what it sends of a page.

``{% event_script %}`` stands once in the page's head. ``{% track_view product %}`` lets it send a
view; ``{% record_view product %}`` records the view on the server instead, also for browsers
without JavaScript, at the cost of a write before the page.
"""

import logging
from typing import Any

from django import template
from django.template import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from similarity.events.identity import profile_of
from similarity.events.models import Kind
from similarity.events.recording import record
from similarity.logs import log_error
from similarity.templatetags.rendering import anywhere, is_nothing, key_of

logger = logging.getLogger(__name__)

register = template.Library()

NOTHING = mark_safe("")


@register.simple_tag(takes_context=True)
@anywhere
def event_script(context: Context) -> SafeString:
    """Render the script that sends events; nothing for a shopper who did not consent."""
    try:
        request = context.get("request")
        if request is None or profile_of(request) is None:
            return NOTHING
        return format_html(
            '<script defer src="{}" data-url="{}" data-consent="yes"></script>',
            static("similarity/events.js"),
            reverse("similarity:events"),
        )
    except Exception as error:  # noqa: BLE001 - the page is rendered without the script
        log_error(logger, error, "{%% event_script %%} renders nothing.")
        return NOTHING


@register.simple_tag
def track_view(product: Any) -> SafeString:
    """Render a hidden element by which the script sends a view of ``product`` (or its key)."""
    if is_nothing(product, "track_view"):
        return NOTHING
    return format_html('<span hidden data-similarity-view="{}"></span>', key_of(product))


@register.simple_tag(takes_context=True)
@anywhere
def record_view(context: Context, product: Any) -> SafeString:
    """Record a view of ``product`` now, and render nothing."""
    request = context.get("request")
    if request is not None and not is_nothing(product, "record_view"):
        record(request, Kind.VIEW, product)
    return NOTHING
