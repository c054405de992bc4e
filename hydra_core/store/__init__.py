"""The database: tables, migrations, transactions and the queries that tasks and pages need.

SQLite is the embedded default, MySQL/MariaDB the production database; nothing outside knows which one it is.
"""
