"""What is true: values and decisions. Standard library only; no clock, random, environment, socket, log."""
