"""One module a bot: `serve(database, api)` runs it until the context ends."""
