"""Changes of products captured by the database itself, whatever program makes them.

With ``SIMILARITY["CAPTURE"] = "triggers"`` PostgreSQL writes the outbox rows that receivers of
Django's signals write otherwise. So ``bulk_create``, ``update()``, ``COPY`` and raw SQL are
followed too. See docs/reconcile.md.
"""
