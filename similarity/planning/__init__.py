"""Co-demand for stock planning: products whose sales move together, from the shop's orders.

This module is the public interface of the app; a shop imports only from here.
"""

from typing import TYPE_CHECKING

from similarity.lazy import lazy_door

if TYPE_CHECKING:
    from similarity.exceptions import DemandError as DemandError
    from similarity.planning.co_demand import category_report as category_report
    from similarity.planning.co_demand import product_report as product_report
    from similarity.planning.co_demand import shop_sales as shop_sales
    from similarity.planning.demand import WeeklySales as WeeklySales
    from similarity.planning.demand_links import LinkRule as LinkRule
    from similarity.planning.demand_report import DemandPair as DemandPair
    from similarity.planning.demand_report import DemandQuestion as DemandQuestion
    from similarity.planning.demand_report import DemandReport as DemandReport

_DOOR = {
    "DemandError": "similarity.exceptions",
    "DemandPair": "similarity.planning.demand_report",
    "DemandReport": "similarity.planning.demand_report",
    "LinkRule": "similarity.planning.demand_links",
    "DemandQuestion": "similarity.planning.demand_report",
    "WeeklySales": "similarity.planning.demand",
    "category_report": "similarity.planning.co_demand",
    "product_report": "similarity.planning.co_demand",
    "shop_sales": "similarity.planning.co_demand",
}
__all__ = sorted(_DOOR)

if not TYPE_CHECKING:  # type checkers must not take a wrong name for a lazy one
    __getattr__, __dir__ = lazy_door(__name__, _DOOR)
