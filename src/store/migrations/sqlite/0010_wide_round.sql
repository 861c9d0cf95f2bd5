-- Nothing: SQLite's integers have 64 bits. The number stands here because PostgreSQL's migration of it does something.
SELECT 1;
