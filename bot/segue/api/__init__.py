"""The door for the company's own systems: `/api`, and webhooks that tell them what happened.

scopes        what a key may do
"""
