"""The Session view: the timeline in its four shapes, the scrub strip, playback."""
