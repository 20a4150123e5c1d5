from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldError, ValidationError
from django.core.management.base import CommandError, CommandParser

from similarity.events import erasure, partitions
from similarity.events.models import Profile
from similarity.management.command import SimilarityCommand


class Command(SimilarityCommand):
    help = (
        "Erase everything that is kept of a shopper with an account: events, preferences and what "
        "the installed apps derived from them. The account itself and its orders stay. A shopper "
        "without an account erases their own history in the shop."
    )
    examples = """examples:
  manage.py similarity forget --user 42
  manage.py similarity forget --user-field username ann
"""

    def add_arguments(self, parser: CommandParser) -> None:
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--user", metavar="KEY", help="the key of the user")
        who.add_argument("--user-field", nargs=2, metavar=("FIELD", "VALUE"), help="a unique field")

    def handle(self, *args: Any, **options: Any) -> None:
        field, value = options["user_field"] or ("pk", options["user"])
        using = partitions.alias()
        profile = Profile.objects.using(using).filter(user_id=_user(field, value)).first()
        if profile is None:
            self.stdout.write("Nothing is kept of this shopper.")
            return
        events = erasure.erase(profile)
        self.stdout.write(f"Erased: {events} events and the profile.")


def _user(field: str, value: str) -> Any:
    """Return the key of the one user; raise CommandError if there is none, or several."""
    users = get_user_model()._base_manager
    try:
        keys = list(users.filter(**{field: value}).values_list("pk", flat=True)[:2])
    except (FieldError, ValidationError, ValueError) as error:
        raise CommandError(f"There cannot be a user with {field} {value!r}: {error}") from error
    if not keys:
        raise CommandError(f"There is no user with {field} {value!r}.")
    if len(keys) > 1:
        raise CommandError(f"Several users have {field} {value!r}; name one by --user KEY.")
    return keys[0]
