#!/usr/bin/env bash
# Train on a Slurm cluster, one process a GPU:
#   [GPUS=8] [GPUS_PER_NODE=8] [CPUS_PER_TASK=5] [SRUN_ARGS=...] \
#       tools/slurm_train.sh PARTITION JOB_NAME CONFIG [options of tools/train.py]
set -euo pipefail
USAGE="tools/slurm_train.sh PARTITION JOB_NAME CONFIG [options]"
PARTITION=${1:?PARTITION is missing: $USAGE}
JOB_NAME=${2:?JOB_NAME is missing: $USAGE}
CONFIG=${3:?CONFIG is missing: $USAGE}
GPUS=${GPUS:-8}
GPUS_PER_NODE=${GPUS_PER_NODE:-$((GPUS < 8 ? GPUS : 8))}
# shellcheck disable=SC2086  (SRUN_ARGS are several words)
srun --partition="$PARTITION" --job-name="$JOB_NAME" --gres="gpu:$GPUS_PER_NODE" \
    --ntasks="$GPUS" --ntasks-per-node="$GPUS_PER_NODE" --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$(dirname "$0")/train.py" "$CONFIG" --launcher slurm "${@:4}"
