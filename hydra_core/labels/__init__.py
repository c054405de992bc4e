"""What people ask for: request files, checked by one validator and kept for good.

`request.py` is the format; `checks.py` are the rules that need the site; `inbox.py` takes files in; `send.py` puts one
in for a command.
"""
