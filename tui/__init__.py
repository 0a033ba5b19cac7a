"""The terminal debugger: the only package that imports textual. `promptetheus.tui.launch` starts it."""
