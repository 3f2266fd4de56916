"""What the entry script for MLflow models is made of: signature, request, answer.  Runs on Python 3.8 and later."""
