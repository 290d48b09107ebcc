"""The native provider plugin: the same guards for Pulumi programs in every language.

The engine starts the plugin as a process and calls it over gRPC. The modules, from the wire inwards:

- ``host`` is the process: it starts the server, and sends lines to the engine's log.
- ``servicer`` has a method for each call of the protocol.
- ``inputs`` makes a guard's properties of what a program gives: defaults, protected resources, derived scopes.
- ``names`` translates between the names of the wire (``onDelete``) and those of the guard (``on_delete``).
- ``wire`` decodes and encodes values: secrets, unknown values, resource references.
- ``schema`` describes the resources, for SDKs and documentation.

What a guard does is in ``translation_job_guard.guard``, as for the dynamic resources of Python programs.
"""
