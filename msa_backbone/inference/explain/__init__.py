"""Why a trained model says what it says: its attention, and the features that speak for it."""
