"""PostgreSQL reads the rows as they were meant."""

import numpy as np
import pytest
from django.db import connection

from similarity.orders.counting import storage
from similarity.orders.counting.storage import rows_of_arrays
from similarity.orders.models import ProductPartners

pytestmark = pytest.mark.django_db


def test_rows_come_back_as_they_were_written():
    best = np.array([(5, 2**40, 3, 3), (7, 1, 4, 3), (0, 2**20, 2**31 - 1, 9)], dtype=storage.PAIR)
    with connection.cursor() as cursor:
        storage.copy_partners(cursor, np.array([2, 900]), np.array([0, 2, 3]), best)
    rows = ProductPartners.objects.order_by("number").values_list(
        "number", "partners", "weights", "orders", "shoppers"
    )
    assert list(rows) == [
        (2, [5, 7], [2**40, 1], [3, 4], [3, 3]),
        (900, [0], [2**20], [2**31 - 1], [9]),
    ]


def test_a_part_of_the_columns_and_no_rows():
    values = np.arange(6)
    whole = rows_of_arrays(np.array([1, 2]), np.array([0, 2, 6]), [(values, ">i4")])
    part = rows_of_arrays(np.array([2]), np.array([2, 6]), [(values, ">i4")])
    assert bytes(whole).endswith(bytes(part))
    assert bytes(rows_of_arrays(np.empty(0, int), np.array([0]), [(values[:0], ">i4")])) == b""
