"""Goes and gets: answers that platforms only name or cannot send, and deliveries that were lost on the way."""
