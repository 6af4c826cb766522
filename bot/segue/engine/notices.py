"""What a platform says about an address: it is no message, so no turn is made of it.

    blocked     the customer does not want us there     the address counts as unreachable
    unblocked   they do again                           it is reachable
    moved       it has another id (`data["to"]`)        the record and what is queued follow

An address that nobody owns is nothing to us. Each may come twice, and changes nothing then.
"""

from __future__ import annotations

from segue.memory import Store
from segue.types import Address, CustomerId, Inbound

KINDS = frozenset({"blocked", "unblocked", "moved"})


async def take(store: Store, inbound: Inbound) -> CustomerId:
    """Do what follows; return whose address it is, empty for nobody's."""
    address = inbound.address
    owner = await store.owner(address)
    if owner is None:
        return ""
    if inbound.kind == "moved":
        to = Address(address.channel, str(inbound.data.get("to", "")))
        if to.id:
            await store.readdress(owner, address, to)
    else:
        await store.reach(owner, address, reachable=inbound.kind == "unblocked")
    return owner
