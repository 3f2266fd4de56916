"""The model's environment: read from its files, made by py-rattler and uv, checked."""
