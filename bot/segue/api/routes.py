"""All routes of `/api`. Whoever adds one says which scope opens it; a test tries all keys."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from segue.api import customers, dialogs, openapi
from segue.api.declaring import PUBLIC, Call, Endpoint, Reply, handler
from segue.api.door import Door
from segue.api.wire import Accepted, Customer, StartDialog, TellCustomer, Touchpoint
from segue.channel import Route

OF_CUSTOMER = (404,)


async def _described(_door: Door, _call: Call) -> Reply:
    return 200, _description()


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="start_dialog",
        method="POST",
        path="/api/dialogs",
        scope="dialogs",
        summary="Start a dialog with a customer",
        act=dialogs.start_dialog,
        body=StartDialog,
        gives={202: Accepted},
        problems=(403, 404),
    ),
    Endpoint(
        name="tell_customer",
        method="POST",
        path="/api/customers/{who}",
        scope="customers",
        summary="Tell what the company knows of a customer",
        act=customers.tell_customer,
        body=TellCustomer,
        gives={202: Accepted},
        problems=OF_CUSTOMER,
    ),
    Endpoint(
        name="show_customer",
        method="GET",
        path="/api/customers/{who}",
        scope="customers:read",
        summary="Read what is known of a customer",
        act=customers.show_customer,
        gives={200: Customer},
        problems=OF_CUSTOMER,
    ),
    Endpoint(
        name="add_touchpoint",
        method="POST",
        path="/api/customers/{who}/touchpoints",
        scope="touchpoints",
        summary="Add a phone call or a visit to a shop",
        act=customers.add_touchpoint,
        body=Touchpoint,
        gives={202: Accepted},
        problems=OF_CUSTOMER,
    ),
    Endpoint(
        name="describe",
        method="GET",
        path="/api/openapi.json",
        scope=PUBLIC,
        summary="This description",
        act=_described,
    ),
)


def _description() -> bytes:
    return msgspec.json.encode(openapi.describe(ENDPOINTS))


def api_routes(door: Door) -> Sequence[Route]:
    """Return the routes, to be served beside the adapters'."""
    # Any character may be in an id of the company's, also those aiohttp leaves out by itself.
    return [
        Route(
            method=endpoint.method,
            path=endpoint.path.replace("{who}", "{who:[^/]+}"),
            handler=handler(door, endpoint),
        )
        for endpoint in ENDPOINTS
    ]
