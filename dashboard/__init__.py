"""The review dashboard: thin views over ``core.service``, drawn with Streamlit."""
