"""The drills: everything that can break is broken on purpose, and what people saw is counted.

"Nothing lost" means: every acknowledged job reaches exactly one end, and has at most one visible result. The judge is
the wire-level Discord's log, never the bot's own records.
"""
