"""Ways for a program to get a grant: the loopback redirect, device authorization, profiles, the environment."""
