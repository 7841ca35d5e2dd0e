"""The PLC's side: registers, the status block, and the handshake."""
