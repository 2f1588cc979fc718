"""Continued pre-training, supervised fine-tuning and DPO of LoRA adapters over the seed."""
