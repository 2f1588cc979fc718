"""People review rows of the synthetic data, and answers of systems."""
