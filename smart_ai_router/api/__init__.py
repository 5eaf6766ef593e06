"""HTTP in and out: parse, call one verb, render."""
