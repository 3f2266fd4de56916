"""The HTTP side: admits requests, hands them to the model workers in batches, answers, and tells what state it is in.

It runs in ``amlenv`` and never imports pandas, numpy or mlflow.
"""
