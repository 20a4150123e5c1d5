"""Similar products: from a product to products like it, by ``shelves.similar_to``."""
