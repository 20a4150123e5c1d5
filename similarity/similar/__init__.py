"""From a product to products like it: ``shelves.similar_to`` is the call others use."""
