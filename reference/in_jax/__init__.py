"""The mirror: each loss again, in JAX, from a different formula; gradients by autodiff in float64.

One module per module of ``reference.in_numpy``, one function per contract, with its name, arguments and row
form.  Nothing here is imported by the oracle, and nothing here imports it.
"""
