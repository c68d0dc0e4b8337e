"""The running side of Отклик: text to tags, behind HTTP and the command line."""
