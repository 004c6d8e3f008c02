"""Predictions -> metrics, intervals, error analysis, findings."""
