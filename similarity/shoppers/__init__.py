"""Personal shelves: a model of what shoppers look at and buy next.

This module is the public interface of the app. A shop imports only from here, except for the models
in ``similarity.shoppers.models``.
"""

from typing import TYPE_CHECKING

from similarity.lazy import lazy_door

if TYPE_CHECKING:
    from similarity.exceptions import ArtefactError as ArtefactError
    from similarity.exceptions import TrainingError as TrainingError
    from similarity.shoppers.personal_shelves import BecauseShelf as BecauseShelf
    from similarity.shoppers.personal_shelves import because_you_viewed as because_you_viewed
    from similarity.shoppers.personal_shelves import buy_again as buy_again
    from similarity.shoppers.personal_shelves import recently_viewed as recently_viewed
    from similarity.shoppers.promotion import make_live as make_live
    from similarity.shoppers.promotion import promote as promote
    from similarity.shoppers.promotion import roll_back as roll_back
    from similarity.shoppers.public_shelves import also_viewed as also_viewed
    from similarity.shoppers.public_shelves import trending as trending
    from similarity.shoppers.recommending import recommend_for as recommend_for

_DOOR = {
    "ArtefactError": "similarity.exceptions",
    "BecauseShelf": "similarity.shoppers.personal_shelves",
    "TrainingError": "similarity.exceptions",
    "also_viewed": "similarity.shoppers.public_shelves",
    "because_you_viewed": "similarity.shoppers.personal_shelves",
    "buy_again": "similarity.shoppers.personal_shelves",
    "make_live": "similarity.shoppers.promotion",
    "promote": "similarity.shoppers.promotion",
    "recently_viewed": "similarity.shoppers.personal_shelves",
    "recommend_for": "similarity.shoppers.recommending",
    "roll_back": "similarity.shoppers.promotion",
    "trending": "similarity.shoppers.public_shelves",
}
__all__ = sorted(_DOOR)

if not TYPE_CHECKING:  # type checkers must not take a wrong name for a lazy one
    __getattr__, __dir__ = lazy_door(__name__, _DOOR)
