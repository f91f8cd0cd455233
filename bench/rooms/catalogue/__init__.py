"""Everything that can stand, lie or hang in a drawn room; `index.BUILDERS` lists it."""
