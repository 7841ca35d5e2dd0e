"""From bytes of strangers to a prepared picture: sniffed, decoded in a disposable process."""
