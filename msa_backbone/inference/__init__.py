"""What a trained model finds in images and videos."""
