"""Training: the LightningModule, the learning-rate schedule and the callbacks around each step."""
