"""What leaves by itself: the outbox's sender, signed webhooks, tags written back to where they came from."""
