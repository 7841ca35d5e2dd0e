"""Delivery: what the outbox holds is sent to the packs' outputs."""
