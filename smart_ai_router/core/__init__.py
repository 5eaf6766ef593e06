"""What we do: verbs over the ports in `ports.py`. No framework, no driver."""
