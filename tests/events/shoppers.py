"""Shoppers and their events, made without a request."""

from datetime import timedelta

from django.utils import timezone

from similarity.events.models import Event, Kind, Profile


def anonymous(sign="a"):
    """A shopper with a cookie; ``sign`` tells several apart."""
    return Profile.objects.create(pseudonym=sign * 64)


def happen(who, product, kind=Kind.VIEW, minutes=0, **fields):
    """An event of some minutes ago."""
    at = fields.pop("at", None) or timezone.now() - timedelta(minutes=minutes)
    return Event.objects.create(profile=who, product=product, kind=kind, at=at, **fields)
