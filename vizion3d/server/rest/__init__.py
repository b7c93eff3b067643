"""The REST server: translates HTTP requests into commands and results into HTTP answers."""
