"""From changed products to vectors: outbox, pipeline, versions and their indexes."""
