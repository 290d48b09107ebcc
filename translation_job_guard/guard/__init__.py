"""What a guard does, without Pulumi: its arguments, what a change of them needs, and its life."""
