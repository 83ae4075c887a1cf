"""From a configuration to the objects that it names: one file for each kind of object."""
