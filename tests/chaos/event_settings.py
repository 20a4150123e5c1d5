"""Settings of a site that receives more events of one shopper than a shop would allow."""

from tests.configure import with_settings
from tests.web_settings import *  # noqa: F403
from tests.web_settings import SIMILARITY as WEB_SIMILARITY

SIMILARITY = with_settings(WEB_SIMILARITY, EVENTS={"PER_MINUTE": 1_000_000})
