"""What people ask for: request files, checked by one validator and kept for good.

`request.py` is the format; `inbox.py` takes files in.
"""
