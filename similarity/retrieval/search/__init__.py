"""Search: by words, by meaning, and both as one."""
