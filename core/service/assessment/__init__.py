"""Assessing pictures: from files, from the queue, and again from the record."""
