"""The configuration: one table of settings, and the check that finds everything wrong with a file at once.

voluptuous and PyYAML are imported by ``load``, which only the commands need that read a configuration.
"""
