"""A dlt source: an account's broadcasts into whatever dlt loads. Needs the `[dlt]` extra.

pipeline = dlt.pipeline("account", destination="duckdb", dataset_name="sms")
pipeline.run(sms_broadcasts())
"""

try:
    from ac_sms_async.dlt.source import sms_broadcasts
except ModuleNotFoundError as _error:
    if _error.name != "dlt":
        raise
    hint = "the dlt source needs more: pip install 'ac-sms-async[dlt]'"
    raise ModuleNotFoundError(hint, name=_error.name) from _error

__all__ = ["sms_broadcasts"]
