"""Read the orders of django-oscar, as in its sandbox and in forks of its order app."""

from collections.abc import Collection

from django.conf import settings

from similarity.orders.mapping import MappedOrders


class OscarOrders(MappedOrders):
    """Orders of django-oscar; the e-mail address distinguishes guests.

    All statuses of ``OSCAR_ORDER_STATUS_PIPELINE`` count, except those in ``cancelled``. Without a
    pipeline, every order counts. Oscar places an order when it is paid. A shop that places orders
    earlier lists the statuses after the payment in ``verified``.
    """

    cancelled: Collection[str] = ("cancelled", "canceled", "refunded", "returned", "declined")
    verified: Collection[str] = ()

    def __init__(self) -> None:
        pipeline = getattr(settings, "OSCAR_ORDER_STATUS_PIPELINE", {})
        counted = [status for status in pipeline if status.lower() not in self.cancelled]
        super().__init__(
            model="order.Order",
            placed_at="date_placed",
            products="lines__product",
            quantity="lines__quantity",
            customer=["user_id", "guest_email"],
            user="user",
            counted={"status__in": counted} if counted else {},
            verified={"status__in": list(self.verified)} if self.verified else {},
        )
