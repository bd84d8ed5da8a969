#!/usr/bin/env bash
# Test with several processes on this machine, one a GPU, or on CPUs:
#   tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [options of tools/test.py]
# On several machines set NNODES, NODE_RANK, MASTER_ADDR and PORT, and start it on each.
set -euo pipefail
CONFIG=${1:?CONFIG is missing: tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [options]}
CHECKPOINT=${2:?CHECKPOINT is missing: tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [options]}
PROCESSES=${3:?PROCESSES is missing: tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [options]}
"${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$PROCESSES" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    "$(dirname "$0")/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "${@:4}"
