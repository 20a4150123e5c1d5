"""URLs of events and of a shopper's own data, below the API's prefix."""

from django.urls import path

from similarity.events.api.me import ExportView, HistoryView
from similarity.events.api.views import EventsView, PreferencesView
from similarity.events.forms import record_opinion

urlpatterns = [
    path("events/", EventsView.as_view(), name="events"),
    path("events/form/", record_opinion, name="event_form"),
    path("me/preferences/", PreferencesView.as_view(), name="preferences"),
    path("me/history/", HistoryView.as_view(), name="history"),
    path("me/export/", ExportView.as_view(), name="history_export"),
]
