"""The pipeline from products to stored vectors."""
