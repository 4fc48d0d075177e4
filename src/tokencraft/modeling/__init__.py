"""What every room needs of a model: load, pack, attend, train, score, embed."""
