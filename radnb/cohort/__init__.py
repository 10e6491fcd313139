"""Who: manifests, clinical tables, labels and a synthetic cohort."""
