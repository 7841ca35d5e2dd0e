from core.records.worklist import *
from core.service.stores import open_store
from core.settings import Settings
import time, os
from streamlit.testing.v1 import AppTest
import streamlit as st
from pathlib import Path
def test_x(assessed_home, monkeypatch):
    s=open_store(Settings(home=assessed_home))
    print(counts(s,"parts"))
    i=None
    while (i:=next_case(s,"parts",after=i and i.case_id, negatives=True)): print(i.key[:20], i.disposition, i.positive_probability, i.images)
    monkeypatch.setenv("ASSAY_HOME", str(assessed_home))
    st.cache_resource.clear()
    at=AppTest.from_file(str(Path("dashboard/app.py").resolve()), default_timeout=60)
    t=time.time(); at.run(); print("run",time.time()-t); t=time.time(); at.run(); print("run", time.time()-t)
    print([b.label for b in at.button], at.exception, [h.value[:200] if hasattr(h,"value") else h for h in at.get("html")][:6])
    at.switch_page("views/overview.py"); at.run(); print(at.exception, [m.label for m in at.metric])
    st.cache_resource.clear()
    print(os.popen(f"pgrep -P {os.getpid()} -a").read())
