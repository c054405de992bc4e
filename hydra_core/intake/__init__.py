"""From producers' files to images: naming rules, safe reading, histograms and their drawing, chunk blocks.

What comes from outside is data here: every file is opened without following links, checked and decoded within limits,
and what cannot be used leaves with a reason in words. Nothing in this package knows a database or a workflow engine.
"""
