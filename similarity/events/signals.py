"""Connect the receivers of events to the host's signals."""

from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import pre_delete

from similarity.events import erasure, joining
from similarity.events.models import Profile
from similarity.receivers import receive


def connect() -> None:
    """Connect the receivers; repeated calls connect them only once."""
    receive(pre_delete, erasure.follow_deletion, Profile)
    user_logged_in.connect(joining.follow_login, dispatch_uid="similarity.events.follow_login")
