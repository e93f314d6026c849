"""Acts that are followed."""
