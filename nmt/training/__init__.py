"""Training: the LightningModule, the optimiser's schedule, and what happens around the steps."""
