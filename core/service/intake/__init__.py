"""How pictures come in: listeners with bounds, and one `receive` that answers when durable."""
