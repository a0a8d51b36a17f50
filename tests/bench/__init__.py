"""Measurements that say how fast it is. Each arm is run beside its rival, in turns."""
