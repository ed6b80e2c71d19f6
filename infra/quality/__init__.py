"""Quality gates: batch checks of uploaded files, with Great Expectations behind the ``QualityGate`` port."""
