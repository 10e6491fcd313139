"""Numbers: extraction, the store, and the assembled cohort."""
