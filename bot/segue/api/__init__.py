"""The door for the company's own systems: `/api`, and webhooks that tell them what happened.

scopes        what a key may do
wire          the bodies of requests and answers
declaring     how a route is declared, and what each request goes through
door          what the routes work with, and how a customer is named
dialogs       POST /api/dialogs
customers     /api/customers: facts, touchpoints, reading
routes        all routes, each with its scope
verified      asking the project about customers who have proved who they are
events        what is told, made of what a turn's commit wrote
webhooks      telling it: at least once, in order for each customer
signing       the signature of what is told
targets       where it may go
openapi       the description, made from the routes
"""
