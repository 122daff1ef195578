"""The paper, reproduced: its sweeps, its figures beside its published numbers, its claims put to the test."""
