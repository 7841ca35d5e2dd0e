"""Fine-tuning: the late stages of a network learn one product, from maps that are made once."""
