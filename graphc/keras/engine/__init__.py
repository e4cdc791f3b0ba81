"""What layers and models are made of."""
