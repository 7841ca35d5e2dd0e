import sys
from pathlib import Path

# Lets tests import wire.py, which the node's other tests use.
sys.path.insert(0, str(Path(__file__).parents[1] / "domains" / "xray"))
