"""The embedded model: a small Stable Diffusion of our own, with the script that trained it. See card.md."""
