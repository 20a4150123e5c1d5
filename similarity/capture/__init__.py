"""Changes of products seen by the database itself, whoever makes them.

With ``SIMILARITY["CAPTURE"] = "triggers"`` PostgreSQL writes the outbox rows that receivers
of Django's signals write otherwise, so that ``bulk_create``, ``update()``, ``COPY`` and raw
SQL are followed too. See docs/reconcile.md.
"""
