"""Shows the library at work on the sandbox, for ``zohorecruit demo``, and checks each promise by the sandbox's counts.

`steps` has the demo, and `storm` the processes that it starts, which need neither rich nor the sandbox.
"""
