"""Ground floor: arrays in, numbers out, equal to R."""
