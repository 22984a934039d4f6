"""What labels and scores mean: see `tasks`."""
