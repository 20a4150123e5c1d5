"""What the vectors say of the catalogue: a map of it, and near-duplicate listings."""
