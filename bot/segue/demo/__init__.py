"""The demo's page: the widget, things to try, and a margin that explains what just happened.

notes.py       what happened, kept in memory, read with a cursor
sentences.py   what happened, in plain words
pages.py       the routes
texts.py       the page's own words
"""
