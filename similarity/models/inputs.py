"""Inputs that products were encoded from, by name: which are shared, and which count as absent."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from similarity import conf

#: The kind of an input stands in the lowest two bits of its name.
KINDS = ("photo", "title", "description")
PHOTO, TITLE, DESCRIPTION = range(3)


class ProductInputs(models.Model):
    """The inputs of a product at its last encoding.

    See ``similarity.vectors.shared_photos``.
    """

    # Deleted by the database with the product, as vectors are.
    product = models.OneToOneField(
        conf.product_model_reference(),
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        primary_key=True,
    )
    #: The group of its variants, as a number.
    group = models.BigIntegerField()
    #: Two products are of one kind if they share a number: the number of the category, or the
    #: numbers of the title's words for a product without a category.
    kinds = ArrayField(models.IntegerField())
    #: Photos in the order of ``looks``, then title and description.
    names = ArrayField(models.BigIntegerField())
    looks = models.BinaryField(default=b"")
    #: Those of ``names`` that count as absent, because many unlike products share them.
    absent = ArrayField(models.BigIntegerField(), default=list)
    #: Its text is in a language that the model has not learned.
    unread = models.BooleanField(default=False)
    #: True if any of its inputs counts as absent.
    incomplete = models.BooleanField(default=False)

    class Meta:
        verbose_name = "product with inputs that count as absent"
        verbose_name_plural = "products with inputs that count as absent"
        indexes = [
            # Without a list of pending entries, because every look-up would read through it.
            GinIndex(fields=["names"], name="similarity_inputs_names", fastupdate=False),
            models.Index(
                fields=["product"],
                name="similarity_inputs_incomplete",
                condition=models.Q(incomplete=True),
            ),
        ]

    def __str__(self) -> str:
        return f"inputs of product {self.product_id}"

    def counts_as_absent(self, kind: int) -> int:
        """Return how many inputs of a kind count as absent."""
        return sum(name & 3 == kind for name in self.absent)
