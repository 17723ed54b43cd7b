"""The demo market: a few instruments, people to sign in as, and makers and takers that trade."""
