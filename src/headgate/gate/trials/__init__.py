"""Queues of lanes at work: trials of items in assumed futures, and landings of what was tested."""
