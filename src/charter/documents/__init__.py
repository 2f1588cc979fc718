"""From files to text, and from text to chunks that know where they came from."""
