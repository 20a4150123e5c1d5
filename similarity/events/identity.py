"""Who asks: the profile of a shopper who consented, by account or by cookie.

A profile exists only with consent, so having one *is* the consent: there is no cookie for the
answer, and a refusal leaves nothing. The cookie holds a random token, the database only its HMAC
under ``SECRET_KEY``: neither of them is enough to become another shopper. To rotate the key, move
the old one to ``SECRET_KEY_FALLBACKS``; a shopper's pseudonym changes to the new key at their next
request.
"""

import logging
import secrets
from typing import Any, Protocol

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpResponse
from django.utils.crypto import salted_hmac

from similarity import conf
from similarity.events import partitions
from similarity.events.models import Profile
from similarity.logs import log_error
from similarity.similar.planner_settings import savepoint

logger = logging.getLogger(__name__)

COOKIE = "similarity_shopper"
#: Bytes of a token, and its longest text: anything longer is not ours.
TOKEN_BYTES, MAX_TOKEN = 24, 64
COOKIE_DAYS = 395

_KNOWN = "_similarity_profile"


class Asking(Protocol):
    """A request of Django, or of REST framework."""

    META: dict[str, Any]
    COOKIES: dict[str, str]


def refuses(request: Asking) -> bool:
    """Return True if the browser asks not to be followed (``Sec-GPC``, ``DNT``)."""
    return request.META.get("HTTP_SEC_GPC") == "1" or request.META.get("HTTP_DNT") == "1"


def may_remember(request: Asking) -> bool:
    """Return True if nothing speaks against keeping events: the browser, or the consent tool."""
    return not refuses(request) and _hook(request) is not False


def profile_of(request: Any) -> Profile | None:
    """Return the profile of the shopper who asks; None without consent.

    One query a request at most. ``request`` is Django's or REST framework's. Raises the database's
    errors, which leave the page's transaction usable.
    """
    plain = getattr(request, "_request", request)
    if not hasattr(plain, _KNOWN):
        setattr(plain, _KNOWN, _read(request) if may_remember(request) else None)
    found: Profile | None = getattr(plain, _KNOWN)
    return found


def forget_known(request: Any) -> None:
    """Read the profile anew at the next call, because it was created or erased."""
    plain = getattr(request, "_request", request)
    if hasattr(plain, _KNOWN):
        delattr(plain, _KNOWN)


def give_consent(request: Any) -> tuple[Profile | None, str | None]:
    """Return the shopper's profile, created if there is none, and a new token for the cookie.

    The token is None if no cookie is needed: for a signed-in shopper, and for a known one. A token
    that the database does not know is never adopted, because somebody else may have planted it.
    Returns no profile if the browser or the consent tool refuses.
    """
    if not may_remember(request):
        return None, None
    known = profile_of(request)
    if known is not None:
        return known, None
    forget_known(request)
    using = partitions.alias()
    user = _user(request)
    if user is not None:
        profile, _made = Profile.objects.using(using).get_or_create(user=user)
        return profile, None
    token = secrets.token_urlsafe(TOKEN_BYTES)
    return Profile.objects.using(using).create(pseudonym=pseudonym_of(token)), token


def consents_by_tool(request: Asking) -> bool:
    """Return True if the shop's own consent tool says yes, so that the first event may be kept."""
    return not refuses(request) and _hook(request) is True


def remember(response: HttpResponse, token: str, *, secure: bool = False) -> None:
    """Set the cookie that :func:`give_consent` needs; ``secure``: the request came by https."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=COOKIE_DAYS * 24 * 3600,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=secure or settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def forget(response: HttpResponse) -> None:
    """Delete the cookie."""
    response.delete_cookie(
        COOKIE,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        samesite="Lax",
    )


def pseudonym_of(token: str, key: str | bytes | None = None) -> str:
    """Return the HMAC of a token, 64 hexadecimal digits, under ``SECRET_KEY`` or ``key``."""
    return salted_hmac(
        "similarity.events.shopper", token, secret=key, algorithm="sha256"
    ).hexdigest()


def anonymous_profile(request: Asking) -> Profile | None:
    """Return the profile that the request's cookie names, whoever is signed in."""
    token = request.COOKIES.get(COOKIE, "")
    if not token or len(token) > MAX_TOKEN or not token.isascii():
        return None
    using = partitions.alias()
    current, *former = [
        pseudonym_of(token, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]
    profiles = Profile.objects.using(using)
    with savepoint(using):
        profile = profiles.filter(pseudonym__in=[current, *former]).first()
        if profile is not None and profile.pseudonym != current:
            profiles.filter(pk=profile.pk).update(pseudonym=current)
    return profile


def _read(request: Any) -> Profile | None:
    user = _user(request)
    if user is None:
        return anonymous_profile(request)
    using = partitions.alias()
    with savepoint(using):
        return Profile.objects.using(using).filter(user=user).first()


def _user(request: Any) -> Any:
    """Return the signed-in user; None for nobody, and for a user of another model."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    # Keys of two tables can be equal, so another kind of user is not looked up.
    return user if isinstance(user, get_user_model()) else None


def _hook(request: Asking) -> bool | None:
    """Return the answer of ``EVENTS["CONSENT"]``; None without one. An error is a no."""
    path = conf.get("EVENTS", "CONSENT")
    if path is None:
        return None
    try:
        with transaction.atomic(using=partitions.alias()):  # a query that fails stays its own
            return bool(conf.load(path)(getattr(request, "_request", request)))
    except Exception as error:  # noqa: BLE001 - a door: the host's code may raise anything
        log_error(logger, error, "EVENTS['CONSENT'] failed; nothing is kept: %s", path)
        return False


def profiles_to_erase(request: Any) -> list[Profile]:
    """Return the profiles of the shopper by account and cookie, whatever they consent to now."""
    user, anonymous = _user(request), anonymous_profile(request)
    own = Profile.objects.using(partitions.alias()).filter(user=user).first() if user else None
    return [profile for profile in (own, anonymous) if profile is not None]
