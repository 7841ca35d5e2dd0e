"""Which product a page shows: one choice for all pages, kept while they change."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import streamlit as st

state = st.session_state


def choose_product(
    page: str, pack: str, products: Sequence[str], preferred: Collection[str] = ()
) -> str:
    """Return the product to show: the only one, or what a person chose on any page.

    Args:
        page: Name of the page.
        pack: Name of the pack.
        products: Its products, at least one.
        preferred: Those of which the first is shown until a person has chosen.
    """
    if len(products) == 1:
        return products[0]
    # The choice is kept apart from the box, whose own state goes while another page is shown; what
    # the box begins with stays for as long as its page does.
    kept, box = f"product-of-{pack}", f"product-{page}-{pack}"
    first = next((one for one in products if one in preferred), products[0])
    found = (one for one in (state.get(kept), state.get(box)) if one in products)
    state[box] = next(found, first)
    st.selectbox(
        "Product",
        products,
        key=box,
        format_func=lambda one: one or "no product named",
        on_change=lambda: state.update({kept: state[box]}),
    )
    return str(state[box])
