"""From untrusted bytes to a prepared picture: sniffed, decoded in a disposable process."""
