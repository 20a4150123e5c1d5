"""API views of events, and of a shopper's consent and preferences."""

import uuid
from datetime import UTC, datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from similarity.api.base import JsonParser, SimilarityView
from similarity.api.errors import BadParameter, unavailable
from similarity.api.schema import answered, asked, document
from similarity.events import identity
from similarity.events.api import serializers
from similarity.events.api.throttling import EventsThrottle
from similarity.events.bots import is_bot
from similarity.events.erasure import erase
from similarity.events.incoming import Incoming, read_events
from similarity.events.models import Profile
from similarity.events.recording import Busy, Written, allowed_products, write
from similarity.events.same_site import require_same_site

#: The most bytes of a request with events.
MAX_BODY = 512 * 1024


class EventsParser(JsonParser):
    max_body = MAX_BODY


class PersonalView(SimilarityView):
    """A view of the shopper's own data: never stored, never sent by another site."""

    throttle_scope = "events"

    def get_throttles(self) -> list[BaseThrottle]:
        return [EventsThrottle()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            require_same_site(request)


def personal_answer(data: Any, status: int = 200) -> Response:
    """Return an answer that neither a browser nor a proxy stores."""
    return Response(data, status=status, headers={"Cache-Control": "private, no-store"})


class EventsView(PersonalView):
    """Events of a shopper who consented. Without consent nothing is kept."""

    http_method_names = ["post", "options"]
    parser_classes = [EventsParser]

    @document(
        "events",
        None,
        body=serializers.EventsRequestSerializer,
        more={200: None, 202: serializers.AcceptedSerializer},
        examples=[
            asked(
                "A view and a cart",
                {
                    "key": "0b9de5b4-3c43-4bd5-8ac6-8f3b8f8b9a0e",
                    "events": [
                        {"type": "view", "product": 17},
                        {"type": "add_to_cart", "product": 17, "quantity": 1},
                    ],
                },
            ),
            answered("Kept", {"accepted": 2, "repeated": False, "refused": []}, 202),
        ],
    )
    def post(self, request: Request) -> Response:
        wanted = serializers.EventsRequestSerializer.read(request.data)
        key = _key(request, wanted)
        profile = identity.profile_of(request)
        if profile is None and not identity.consents_by_tool(request):
            return _nothing_kept("no_consent")
        if (profile is None or profile.user_id is None) and is_bot(request):
            return _nothing_kept("bot")
        incoming = read_events(wanted["events"], datetime.now(UTC), wanted.get("sent_at"))
        if products := incoming.products():
            incoming.keep_products(allowed_products(list(products), request))
        if not incoming.events:
            return personal_answer(_accepted(incoming, Written(0)), 202)
        token = None
        if profile is None:
            profile, token = identity.give_consent(request)
        if profile is None:  # the consent tool changed its answer in between
            return _nothing_kept("no_consent")
        try:
            written = _write(profile, incoming, key)
            response = personal_answer(_accepted(incoming, written), 202)
        except Busy:
            response = unavailable("Too many events arrive at once; send them again soon.")
        if token is not None:
            identity.remember(response, token, secure=request.is_secure())
        return response


class PreferencesView(PersonalView):
    """The shopper's consent, and what is shown to them."""

    http_method_names = ["get", "head", "put", "options"]

    @document("preferences", serializers.PreferencesSerializer)
    def get(self, request: Request) -> Response:
        return personal_answer(_preferences(request, identity.profile_of(request)))

    @document(
        "set_preferences",
        serializers.PreferencesSerializer,
        body=serializers.PreferencesRequestSerializer,
        examples=[asked("Consent", {"consent": True})],
    )
    def put(self, request: Request) -> Response:
        wanted = serializers.PreferencesRequestSerializer.read(request.data)
        if wanted.get("consent") is False:
            return _withdraw(request)
        token = None
        profile = identity.profile_of(request)
        if profile is None and wanted.get("consent"):
            profile, token = identity.give_consent(request)
        changed = [name for name in ("personal", "reasons") if name in wanted]
        if profile is not None and changed:
            for name in changed:
                setattr(profile, name, wanted[name])
            profile.save(update_fields=changed)
        response = personal_answer(_preferences(request, profile))
        if token is not None:
            identity.remember(response, token, secure=request.is_secure())
        return response


def _withdraw(request: Request) -> Response:
    """Erase all that is kept of the shopper; also if the browser now refuses to be followed."""
    for profile in identity.profiles_to_erase(request):
        erase(profile)
    identity.forget_known(request)
    response = personal_answer(_preferences(request, None))
    identity.forget(response)
    return response


def _key(request: Request, wanted: dict[str, Any]) -> uuid.UUID:
    told = request.headers.get("Idempotency-Key")
    if told is None:
        return wanted.get("key") or uuid.uuid4()
    try:
        return uuid.UUID(told)
    except ValueError as error:
        raise BadParameter("Idempotency-Key is not a UUID; give one.", "key") from error


def _write(profile: Profile, incoming: Incoming, key: uuid.UUID) -> Written:
    """Write what is left; events beyond the shopper's bound join the refused ones."""
    written = write(profile, [event for _place, event in incoming.events], key)
    if not written.known:
        for place, _event in incoming.events[written.rows :]:
            incoming.refused[place] = "too many events of this shopper in a minute"
    return written


def _accepted(incoming: Incoming, written: Written) -> dict[str, Any]:
    refused = sorted(incoming.refused.items())
    return {
        "accepted": written.rows,
        "repeated": written.known,
        "refused": [{"index": place, "reason": reason} for place, reason in refused],
    }


def _nothing_kept(reason: str) -> Response:
    kept = {"accepted": 0, "repeated": False, "refused": [], "reason": reason}
    return personal_answer(kept, 202)


def _preferences(request: Request, profile: Profile | None) -> dict[str, Any]:
    return {
        "consent": profile is not None,
        "personal": profile is not None and profile.personal,
        "reasons": profile is not None and profile.reasons,
        "refused_by_browser": identity.refuses(request),
    }
