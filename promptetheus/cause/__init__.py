"""Finding the cause: pure functions over the events of sessions. No files, no clocks, no connections.

The way through: `steps` makes events into steps, `signatures` says when two steps are the same move, `alignment` lays
two sessions side by side, `comparison` and `divergence` say where they part and `effect_differences` where the world
is left otherwise; `held_against` and `diff_report` gather it.
`suspects` separates what failed from what passed, `first_mistake` ranks the steps of one run, `failures` and
`verification` follow a way of failing through time, and `explain` and `narrative` say it in words.
"""
