"""The operator's board and the verification of rejected parts: what of this pack draws."""
