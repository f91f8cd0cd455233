"""Facts to questions with known answers. `ask` is the way in; `single` and `several` draft the facts."""
