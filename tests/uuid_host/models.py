import uuid

from django.db import models


class Tag(models.Model):
    word = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.word


class Article(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    headline = models.CharField(max_length=100)
    body = models.TextField(blank=True)
    maker = models.CharField(max_length=50, blank=True)
    cost = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    cover = models.ImageField(upload_to="covers/", blank=True)
    family = models.CharField(max_length=50, blank=True)
    hidden = models.BooleanField(default=False)
    tags = models.ManyToManyField(Tag, blank=True)

    def __str__(self) -> str:
        return self.headline
