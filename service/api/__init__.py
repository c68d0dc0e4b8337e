"""The HTTP side: endpoints, their JSON, their errors."""
