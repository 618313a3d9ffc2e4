"""Where targets run: one file a runtime, one line here each."""
