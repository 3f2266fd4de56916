"""What a script with raw HTTP access needs."""
