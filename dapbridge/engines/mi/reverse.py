"""DAP `stepBack` and `reverseContinue`, once the user has the debugger record."""
