"""Publishing: what a run made, laid out for the Hugging Face Hub, with its data card; and back again."""
