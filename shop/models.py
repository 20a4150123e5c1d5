"""The models of an ordinary Django shop, independent of `similarity`."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse

#: Between the levels of a category's path.
LEVEL = " > "


class Category(models.Model):
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=160, unique=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children"
    )
    #: Names from the root, "Clothing > Dresses"; set by save() so that lists need no recursion.
    path = models.CharField(max_length=500, editable=False, db_index=True)

    class Meta:
        ordering = ["path"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.path

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.path = f"{self.parent.path}{LEVEL}{self.name}" if self.parent else self.name
        super().save(*args, **kwargs)
        for child in self.children.all():
            if not child.path.startswith(f"{self.path}{LEVEL}"):
                child.save()

    def get_absolute_url(self) -> str:
        return reverse("shop:category", args=[self.slug])


class Brand(models.Model):
    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=160, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ProductQuerySet(models.QuerySet):
    def available(self) -> "ProductQuerySet":
        """Return the products that a shopper may see and buy now."""
        return self.filter(is_active=True, stock__gt=0)


class Product(models.Model):
    sku = models.CharField("SKU", max_length=100, unique=True)
    name = models.CharField(max_length=250)
    slug = models.SlugField(max_length=280, unique=True)
    description = models.TextField(blank=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="products")
    brand = models.ForeignKey(
        Brand, null=True, blank=True, on_delete=models.SET_NULL, related_name="products"
    )
    price = models.DecimalField(
        max_digits=10, decimal_places=2, validators=[MinValueValidator(Decimal("0"))]
    )
    currency = models.CharField(max_length=3, default="EUR")
    #: The shop's cost for one piece; shoppers never see it.
    cost = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0"))],
    )
    stock = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField("active", default=True)
    #: Attributes by kind of product: {"colour": "navy", "material": "wool", …}
    attributes = models.JSONField(default=dict, blank=True)
    #: Shared by the variants of a product, empty without variants.
    group = models.CharField(max_length=100, blank=True, db_index=True)
    #: GTIN, part number, barcode: codes besides the SKU that a shopper may type.
    codes = models.JSONField(default=list, blank=True)
    #: The product's key in an imported file, in which its SKU may repeat or change.
    feed_key = models.CharField(max_length=250, blank=True, db_index=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["category", "price"])]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("shop:product", args=[self.pk, self.slug])

    @property
    def in_stock(self) -> bool:
        return self.stock > 0

    @property
    def photo(self) -> "ProductImage | None":
        """Return the first photo, from `prefetch_related("images")` if loaded."""
        photos = list(self.images.all())
        return photos[0] if photos else None


class ProductImage(models.Model):
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="images")
    image = models.ImageField(upload_to="products/")
    alt = models.CharField("alternative text", max_length=250, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.alt or self.image.name or ""


class Customer(models.Model):
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    name = models.CharField(max_length=150)
    email = models.EmailField(unique=True)

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    class Status(models.TextChoices):
        PLACED = "placed"
        SHIPPED = "shipped"
        CANCELLED = "cancelled"
        RETURNED = "returned"

    number = models.CharField(max_length=20, unique=True)
    customer = models.ForeignKey(
        Customer, null=True, blank=True, on_delete=models.SET_NULL, related_name="orders"
    )
    email = models.EmailField()
    name = models.CharField(max_length=150)
    address = models.TextField()
    status = models.CharField(max_length=10, choices=Status, default=Status.PLACED)
    placed_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-placed_at"]

    def __str__(self) -> str:
        return self.number

    @property
    def total(self) -> Decimal:
        return sum((line.total for line in self.lines.all()), Decimal("0"))


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="order_lines")
    quantity = models.PositiveIntegerField(default=1)
    unit_price = models.DecimalField(max_digits=10, decimal_places=2)
    #: A bundle's saving on the whole line.
    discount = models.DecimalField(max_digits=10, decimal_places=2, default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "product"], name="one_line_per_product"),
            models.CheckConstraint(
                condition=models.Q(
                    discount__gte=0, discount__lte=models.F("quantity") * models.F("unit_price")
                ),
                name="discount_within_the_line",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product}"

    @property
    def total(self) -> Decimal:
        return self.quantity * self.unit_price - self.discount
