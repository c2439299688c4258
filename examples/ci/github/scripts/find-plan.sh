#!/usr/bin/env bash
# find-plan.sh: finds the run of the plan workflow whose plan was reviewed for the commit GITHUB_SHA, and
# prints `pr=`, `run=` and `why=` for GITHUB_OUTPUT. Without such a run, `run` is empty and `why` tells.
#
# Needs GH_TOKEN with `actions: read` and `pull-requests: read`.
set -euo pipefail

REPOSITORY=${GITHUB_REPOSITORY:?}
SHA=${GITHUB_SHA:?}
BRANCH=${GITHUB_REF_NAME:?}
workflow=${PLAN_WORKFLOW:-restate-plan.yml}
export REPOSITORY SHA BRANCH

answer() {
  printf 'pr=%s\nrun=%s\nwhy=%s\n' "$1" "$2" "$3"
  exit 0
}

# A squash, a merge and a rebase all end in `merge_commit_sha`.
merged=$(gh api "repos/$REPOSITORY/commits/$SHA/pulls" --jq '.[]
  | select(.merged_at != null and .merge_commit_sha == env.SHA and .base.ref == env.BRANCH)
  | "\(.number) \(.head.sha) \(.head.repo.full_name // "")"')
read -r pr HEAD from <<<"${merged%%$'\n'*}" || true
export HEAD

[ -n "$pr" ] || answer "" "" "This commit did not come from a pull request, so no plan was reviewed."
# The plan job of a fork has no secrets, and what it leaves is a stranger's.
[ "$from" = "$REPOSITORY" ] || answer "$pr" "" "The pull request came from a fork, where no plan of the server is made."

# A run of a fork can carry the same branch name and the same workflow name. Of ours, the newest counts:
# an older one that went well was overtaken by it.
found=$(gh api "repos/$REPOSITORY/actions/workflows/$workflow/runs?event=pull_request&head_sha=$HEAD&per_page=100" --jq '
  [.workflow_runs[]
    | select(.event == "pull_request" and .head_sha == env.HEAD and .head_repository.full_name == env.REPOSITORY)]
  | max_by(.run_number) | select(. != null) | "\(.id) \(.conclusion // .status)"')
read -r run conclusion <<<"$found" || true

[ -n "$run" ] || answer "$pr" "" "No plan was made for the last commit of the pull request."
[ "$conclusion" = success ] || answer "$pr" "" "The last plan of the pull request did not end well ($conclusion)."
answer "$pr" "$run" ""
