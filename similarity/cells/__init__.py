"""Groups of near vectors within a category, which a query visits instead of all rows."""
