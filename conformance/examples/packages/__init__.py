"""How do the losses of published packages fare?  One module of adapters for each package, and SUMMARY.md.

The packages are no dependency of the suite: a module imports its own, and is imported where a run names it.

    pytest conformance --subject HuberLoss=conformance.examples.packages.optax:huber
"""
