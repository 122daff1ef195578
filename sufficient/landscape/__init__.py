"""The paper's mathematics: tensors in, tensors out."""
