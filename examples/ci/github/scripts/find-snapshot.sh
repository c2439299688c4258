#!/usr/bin/env bash
# find-snapshot.sh NAME: prints the id of the newest run on the default branch that left a snapshot under
# this name, or nothing.
#
# Needs GH_TOKEN with `actions: read`.
set -euo pipefail

NAME=$1
REPOSITORY=${GITHUB_REPOSITORY:?}
BRANCH=${DEFAULT_BRANCH:?}
export NAME BRANCH

# A fork can have a branch of the same name, and its runs are listed here too.
gh api "repos/$REPOSITORY/actions/artifacts?name=$NAME&per_page=100" --jq '
  [.artifacts[]
    | select(.name == env.NAME and (.expired | not))
    | select(.workflow_run.head_branch == env.BRANCH)
    | select(.workflow_run.head_repository_id == .workflow_run.repository_id)]
  | max_by(.created_at) | select(. != null) | .workflow_run.id'
