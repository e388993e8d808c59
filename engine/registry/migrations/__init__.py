"""How the registry's tables came to be: one file a change, in `versions/`, run in order by Alembic."""
