"""The sentence encoder, and the index over the chunks: by its vectors, by words, or both."""
