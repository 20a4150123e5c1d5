"""Categories that go together, learned from orders; products without orders use them."""

from django.db import models


class CategoryComplement(models.Model):
    """A ``complement`` that orders with ``category`` hold more often than by chance."""

    category = models.CharField(max_length=500)
    complement = models.CharField(max_length=500)
    #: Orders that hold both, and their different shoppers.
    orders = models.PositiveIntegerField()
    shoppers = models.PositiveIntegerField()
    #: How many times more often than by chance.
    lift = models.FloatField()
    #: 0 to 1; complements are ranked by it.
    score = models.FloatField()

    class Meta:
        db_table = "similarity_categorycomplement"
        constraints = [
            models.UniqueConstraint(
                fields=["category", "complement"], name="similarity_one_complement"
            )
        ]

    def __str__(self) -> str:
        return f"{self.category} goes with {self.complement}"
