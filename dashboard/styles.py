"""The rules of style that the pages add to Streamlit's own; they hold in light and dark."""

from core.types import Disposition
from dashboard.present.marks import SHAPES

NEGATIVE, POSITIVE, DEFER = "#0d8065", "#d1480b", "#66758f"
"""Green, orange and slate: apart for colour-blind eyes, and dark enough for white text."""

NEGATIVE_SIGN, POSITIVE_SIGN, DEFER_SIGN = (
    f"light-dark({dark}, {bright})"
    for dark, bright in ((NEGATIVE, "#35b996"), (POSITIVE, "#ff8a4f"), (DEFER, "#9fb0cc"))
)
"""The same on the page's own ground, bright enough where it is dark."""

_BUTTON_SHAPES = "\n".join(
    f'[class*="st-key-case-{disposition.value}-"] button p::before '
    f'{{ content: "{SHAPES[disposition]}\\00a0" / ""; }}'
    for disposition in Disposition
)

CSS = f"""
.assay-picture {{ display: block; max-width: 100%; object-fit: contain; border-radius: 6px; }}
.assay-enlarge {{ display: block; max-width: 100%; padding: 0; border: 0; background: none;
  cursor: zoom-in; border-radius: 6px; font: inherit; color: inherit; }}
.assay-enlarge:focus-visible {{ outline: 3px solid #2a75c2; outline-offset: 2px; }}
/* Streamlit marks a focused link by a shade alone, fainter than that of the open page. */
[data-testid="stApp"] a:focus-visible {{ outline: 2px solid light-dark(#1f5fa8, #7db4ef) !important;
  outline-offset: 1px; }}
/* The words on a button or a link are read whole, however narrow it is. */
[data-testid="stMain"] button p, [data-testid="stMain"] [data-testid="stPageLink"] * {{
  white-space: normal !important; overflow: visible; }}
[data-testid="stBaseButton-tertiary"] * {{ white-space: normal; text-align: left; }}
.st-key-assay-enlarge, .st-key-assay-connection,
[data-testid="stLayoutWrapper"]:has(> .st-key-assay-enlarge),
[data-testid="stLayoutWrapper"]:has(> .st-key-assay-connection) {{ position: absolute; height: 0; }}
/* Streamlit asks there whether one is on the internet; the notice of the page tells what holds. */
html[data-assay-lost] [data-testid="stDialog"] {{ display: none; }}
[data-testid="stElementToolbar"] {{ display: none; }}
html:not([data-assay-case]) .st-key-assay-case {{ visibility: hidden; }}
html:not([data-assay-case]) .st-key-assay-case::before {{ opacity: 0;
  content: "The case is being opened. Keys wait until it is on the screen."; visibility: visible;
  animation: assay-late .2s linear .6s forwards; }}
@keyframes assay-late {{ to {{ opacity: .68; }} }}
#assay-notice {{ position: fixed; left: 50%; bottom: 1.6rem; transform: translateX(-50%);
  z-index: 999999; background: #22272e; color: #fff; padding: .6rem 1rem; border-radius: 6px; }}
#assay-notice:empty {{ display: none; }}
[class^="assay-"] {{ overflow-wrap: anywhere; }}
h1.assay-title {{ margin: 0; padding: 0; width: fit-content; outline-offset: 4px; }}
h1.assay-title:focus-visible {{ outline: 2px solid light-dark(#1f5fa8, #7db4ef); }}
[data-testid="stColumn"]:has(.st-key-case-side) {{
  min-width: min(100%, 18rem); }}
.st-key-case-side [data-testid="stHorizontalBlock"] {{ flex-wrap: wrap; gap: .5rem; }}
.st-key-case-side [data-testid="stColumn"] {{ min-width: 5.4rem; }}
.st-key-case-side button {{ padding-left: .5rem; padding-right: .5rem; }}
@media (min-width: 901px) {{
  [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"] .st-key-case-side) {{
    flex-wrap: nowrap; }}
  [data-testid="stColumn"]:has(.st-key-case-side) {{ min-width: 17rem; }} }}
.assay-history {{ font-size: .84rem; line-height: 1.45; margin-bottom: .25rem; }}
.assay-history > span:first-child {{ opacity: .72; font-variant-numeric: tabular-nums; }}
#assay-live {{ position: fixed; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }}
.assay-title {{ font-size: 1.25rem; font-weight: 600; line-height: 1.3; }}
.assay-heading {{ font-weight: 600; margin-top: .4rem; }}
.assay-big {{ font-size: 1.2rem; line-height: 1.5; }}
.assay-plain {{ line-height: 1.45; }}
.assay-quiet {{ opacity: .68; font-size: .86rem; line-height: 1.35; }}
.assay-error {{ border-left: 4px solid {DEFER}; background: {DEFER}22; padding: .9rem 1rem;
  border-radius: 4px; line-height: 1.5; }}
.assay-banner {{ background: {POSITIVE}; color: #fff; padding: .45rem 1rem; border-radius: 6px;
  line-height: 1.4; }}
.assay-head {{ display: flex; align-items: center; gap: .9rem; margin-bottom: .1rem; }}
.assay-word {{ font-size: 1.35rem; font-weight: 700; letter-spacing: .04em; color: #fff;
  padding: .1rem .75rem; border-radius: 6px; }}
.assay-word i {{ font-style: normal; font-size: .82em; margin-right: .4em; }}
.assay-mark {{ white-space: nowrap; }}
.assay-mark i {{ font-style: normal; margin-right: .35em; }}
.assay-mark.negative i {{ color: {NEGATIVE_SIGN}; }}
.assay-mark.positive i {{ color: {POSITIVE_SIGN}; }}
.assay-mark.defer i, .assay-mark.none i {{ color: {DEFER_SIGN}; }}
.assay-word.none {{ background: none; border: 1px solid {DEFER}; color: inherit; }}
.assay-head {{ flex-wrap: wrap; }}
.assay-word, .assay-chance {{ white-space: nowrap; overflow-wrap: normal; }}
.assay-word.negative {{ background: {NEGATIVE}; }}
.assay-word.positive {{ background: {POSITIVE}; }}
.assay-word.defer {{ background: {DEFER}; }}
.assay-chance {{ font-size: 2.1rem; font-weight: 600; font-variant-numeric: tabular-nums; }}
.assay-bar {{ position: relative; height: 14px; border-radius: 7px; margin: .6rem 0 .35rem;
  background: {DEFER}33; }}
.assay-bar i {{ position: absolute; top: 0; bottom: 0; border-radius: 7px; }}
.assay-bar i.negative {{ background: {NEGATIVE}99; border-right: 2px solid {NEGATIVE};
  border-top-right-radius: 0; border-bottom-right-radius: 0; }}
.assay-bar i.positive {{ background: {POSITIVE}99; border-left: 2px solid {POSITIVE};
  border-top-left-radius: 0; border-bottom-left-radius: 0; }}
.assay-bar b {{ position: absolute; top: -5px; width: 6px; height: 24px; margin-left: -3px;
  border-radius: 3px; background: currentColor; }}
.assay-ends {{ display: flex; justify-content: space-between; gap: 1rem; font-size: .8rem;
  opacity: .75; font-variant-numeric: tabular-nums; }}
.assay-labels {{ margin-top: .35rem; }}
.assay-label {{ display: grid; grid-template-columns: minmax(4.5rem, 2fr) 3fr 3.6rem; gap: .6rem;
  align-items: center; font-size: .86rem; line-height: 1.6; opacity: .75; }}
.assay-label.likely {{ font-weight: 600; opacity: 1; }}
.assay-label span {{ overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }}
.assay-label i {{ height: 7px; border-radius: 4px; background: {DEFER}33; overflow: hidden; }}
.assay-label b {{ display: block; height: 100%; border-radius: 4px; background: {DEFER}; }}
.assay-label.likely b {{ background: currentColor; }}
.assay-label em {{ font-style: normal; text-align: right; font-variant-numeric: tabular-nums; }}
[class*="st-key-case-negative-"] button[kind="primary"]:enabled {{ background: {NEGATIVE};
  border-color: {NEGATIVE}; }}
[class*="st-key-case-positive-"] button[kind="primary"]:enabled {{ background: {POSITIVE};
  border-color: {POSITIVE}; }}
[class*="st-key-case-negative-"] button,
[class*="st-key-case-positive-"] button {{ min-height: 3.2rem; }}
.assay-scroll {{ overflow-x: auto; }}
.assay-table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  font-size: .92rem; line-height: 1.35; }}
.assay-table caption {{ text-align: left; font-weight: 600; padding: .2rem 0 .4rem; }}
.assay-table th, .assay-table td {{ text-align: left; vertical-align: top;
  padding: .35rem .9rem .35rem 0; border-bottom: 1px solid {DEFER}44; font-weight: 400; }}
.assay-table thead th {{ font-weight: 600; white-space: nowrap; }}
.assay-table td, .assay-table tbody th {{ min-width: 6.5rem; }}
@media (max-width: 640px) {{
  /* In the thumb's reach, beside the picture and all that stands below it. */
  .st-key-case-verdicts {{ position: fixed; bottom: 0; left: 0; width: 100%; z-index: 100;
    padding: .5rem 1rem; background: light-dark(#fff, #0e1117); box-shadow: 0 0 6px #0006; }}
  [data-testid="stApp"] .stMainBlockContainer:has(.st-key-case-verdicts) {{ padding-bottom: 6rem; }}
  [data-testid="stMain"]:has(.st-key-case-verdicts) {{ scroll-padding-bottom: 5rem; }}
  html:has(.st-key-case-verdicts) #assay-notice {{ bottom: 5.5rem; }}
  .assay-table {{ font-size: .84rem; }}
  .assay-table thead th {{ white-space: normal; }}
  .assay-table td, .assay-table tbody th {{ min-width: 3.9rem; padding-right: .5rem; }}
}}
[data-testid="stButtonGroup"] [role="radiogroup"], [data-testid="stButtonGroup"] > div {{
  flex-wrap: wrap; }}
[data-testid="stSliderThumbValue"], [data-testid="stSliderThumbValue"] p {{ color: inherit; }}
.assay-known {{ font-size: .82rem; line-height: 1.3; }}
.assay-known > span:last-child {{ opacity: .68; }}
{_BUTTON_SHAPES}
"""
