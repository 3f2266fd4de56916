mode 644
# Generated from puncheon/settings.py; do not edit.
export ACCESS_LOG=false
export CRASH_LIMIT=3
export GUNICORN_PORT=31311
export MAX_BODY_MB=7
export NGINX_PORT=5001
export NGINX_WORKERS=2
export PROBE_TIMEOUT=2
export PROXY_TIMEOUT=610
export SCORING_TIMEOUT_MS=540000
export STOP_TIMEOUT=20
export WORKER_COUNT=1
export WORKER_PRELOAD=false
export WORKER_TIMEOUT=600
