"""What everything else is written in terms of: parameters, paths, records, files, errors."""
