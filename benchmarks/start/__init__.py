"""How soon each command of `sixfold` answers, and how soon it is at work."""
