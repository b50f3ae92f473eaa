"""How a grant gets from a person to a program: the loopback redirect, profiles, the environment."""
