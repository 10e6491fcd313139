"""Ground floor: files, processes, progress and choices, known by every other floor."""
