"""What shows one step or value: the blocks of the inspector, and the views with the screen to themselves."""
