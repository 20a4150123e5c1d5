"""From products to stored vectors."""
