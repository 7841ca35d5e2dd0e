"""Recertify on reviewed cases; propose, release, reject and roll back policies."""
