"""The names that entry scripts import from azureml-inference-server-http, for environments without it."""
