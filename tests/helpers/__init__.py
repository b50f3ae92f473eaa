"""What tests share; each module is named for what it gives."""
