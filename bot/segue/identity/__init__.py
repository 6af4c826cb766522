"""Who is who: codes, proof, linking, and what a customer may ask about themselves."""
