"""Networks that turn texts into scores of classes, each over a pretrained model."""
