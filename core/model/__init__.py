"""From a prepared picture to evidence: backbone, runtime, head, gate, bundle."""
