"""The service measured beside a twin that only echoes: `python -m benchmarks.service`."""
