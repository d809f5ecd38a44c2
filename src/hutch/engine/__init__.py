"""How a run goes on: ``plan`` decides from the journal, ``stages`` guards each change, ``drive`` does the moves."""
