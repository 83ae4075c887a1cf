"""What everything rests on: records, names, files of rows, late imports, the cache."""
