"""What the pages that people work on have in common: who may come in, and their script and style."""
