"""Charter: from a document of values to an aligned, evaluated and registered language model."""
