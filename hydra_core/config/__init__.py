"""A site's configuration: TOML files in one folder, read into frozen, validated objects.

`site.py` holds what every room needs; `plots.py` the plot types and classes; `load.py` reads a folder.
"""
