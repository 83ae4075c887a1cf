"""Labelling programs: functions that a language model wrote, run apart from this process."""
