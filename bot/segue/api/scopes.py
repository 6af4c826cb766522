"""What an API key may do. A key has only the scopes it was given."""

from __future__ import annotations

SCOPES = {
    "dialogs": "start dialogs with customers",
    "customers": "tell what the company knows of a customer",
    "customers:read": "read what is known of a customer",
    "touchpoints": "add phone calls and visits to a customer's transcript",
}
