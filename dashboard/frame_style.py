"""Rules of style that are on the page before anything else; imports nothing, as its server does."""

FRAME = """
[data-testid="stApp"] .stMainBlockContainer { padding: 2.4rem 2.6rem 1rem; max-width: 1920px; }
[data-testid="stApp"] [data-testid="stHeading"] h1 { font-size: 1.7rem; padding: 0 0 .3rem; }
[data-testid="stApp"] [data-testid="stHeading"] h2 { font-size: 1.3rem; }
[data-testid="stApp"] [data-testid="stHeading"] h3 { font-size: 1.15rem; }
@media (max-width: 900px) {
  [data-testid="stApp"] .stMainBlockContainer { padding-left: 1rem; padding-right: 1rem; } }
@media (max-width: 640px) {
  [data-testid="stApp"] .stMainBlockContainer { padding: 3.9rem 1rem 1rem; } }
"""
"""Where everything on a page begins: it is there before the page is, which would jump otherwise.

Each rule names one element more than Streamlit's own, whose style comes later.
"""
