"""Published models without their weights: what their folders hold, and what the libraries say of them."""
