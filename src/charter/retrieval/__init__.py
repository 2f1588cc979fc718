"""The sentence encoder and the FAISS index over the chunks."""
