"""Training: recipes, augmentation, and a Lightning run that can be killed at any time and ends in the same bytes."""
