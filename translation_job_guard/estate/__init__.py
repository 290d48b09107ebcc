"""A look at everything that a team owns: AWS accounts and their regions, Azure subscriptions and their accounts.

``finding.find`` makes connections of what ``request.EstateRequest`` names, and a row for each thing that cannot be
entered: one account that refuses a role stops nothing else. The look itself is the one of all commands,
``looking.look``, with a bounded number of places at once. ``progress.Progress`` says how far it is.

Nothing is imported here: every command, ``--help`` included, needs the defaults in ``request``, and only a look at an
estate needs the rest.
"""
