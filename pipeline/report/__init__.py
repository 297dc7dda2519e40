"""What verification found, for people: a table on the console, a page to read, a table in the README."""
