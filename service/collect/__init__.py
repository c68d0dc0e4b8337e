"""Goes and gets: answers that platforms only name or cannot send, and deliveries that got lost."""
