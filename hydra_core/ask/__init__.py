"""Questions in English about the data: a small grammar over the views of ``store/query``.

No model and no network: the same words always mean the same. Imports nothing above ``store``.
"""
