"""Extend the core with the URLs of events and of a shopper's own data, and with their upkeep."""

from collections.abc import Iterator, Mapping
from typing import Any

from similarity.connections.metrics_export import Gauge
from similarity.events import erasure, status
from similarity.events.models import Event, Profile
from similarity.extension import Extension


class EventsExtension(Extension):
    urls = "similarity.events.api.urls"
    url_roots = ("events", "me")

    def export_profile(self, profile_id: int, using: str) -> Mapping[str, Any]:
        profile = Profile.objects.using(using).get(pk=profile_id)
        return {
            "consented_at": profile.consented_at.isoformat(),
            "signed_in": profile.user_id is not None,
            "preferences": {"personal": profile.personal, "reasons": profile.reasons},
            "events": erasure.export_events(profile_id, using),
        }

    def erase_profile(self, profile_id: int, using: str) -> None:
        Event.objects.using(using).filter(profile_id=profile_id)._raw_delete(using)

    def status(self) -> Mapping[str, Any]:
        return {"events": status.report()}

    def status_lines(self, report: Mapping[str, Any]) -> list[str]:
        return status.lines(report["events"])

    def gauges(self) -> Iterator[Gauge]:
        yield from status.gauges()
