"""The books in PostgreSQL, into which several hosts post. The modules need the extra `postgres` (asyncpg)."""
