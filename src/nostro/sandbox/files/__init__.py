"""Lists of transactions as bank files. The bank writes them itself, so that an error of the readers cannot hide."""
