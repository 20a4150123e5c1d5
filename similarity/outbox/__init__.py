"""Products that changed: claimed by workers, embedded, and found where no signal came."""
