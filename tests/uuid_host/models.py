from django.db import models

from tests.uuid_host.keys import primary_key


class Tag(models.Model):
    word = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.word


class Article(models.Model):
    id = primary_key()
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
