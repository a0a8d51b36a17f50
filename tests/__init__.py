"""The tests: one file a room, plus the journeys and the drills."""
