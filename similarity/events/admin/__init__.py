"""Events in the admin: numbers by day, and shoppers, whose histories need a permission."""

from similarity.events.admin import days, profiles

__all__ = ["days", "profiles"]
