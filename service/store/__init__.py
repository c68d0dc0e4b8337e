"""What an installation remembers: comments, predictions, corrections, keys. Knows no HTTP.

`database` opens one by its URL; `schema` holds the tables; `migrations` brings a database to them; each other
module is the repository of one family of tables: functions over a connection of `Database.read` or `.write`.
"""
