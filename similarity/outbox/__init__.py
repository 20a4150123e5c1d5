"""Changed products: workers claim and embed them, and reconcile finds changes without a signal."""
