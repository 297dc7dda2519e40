"""Image sources and the prepared data set that every later stage reads."""
