"""What every other package stands on: errors a user can act on, safe names, atomic files, UTC time.

Nothing here knows of plots, runs or databases.
"""
