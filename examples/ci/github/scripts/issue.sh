#!/usr/bin/env bash
# issue.sh open TITLE BODY_FILE: opens an issue about drift, or brings the open one up to date.
# issue.sh close BODY_FILE: closes it, if there is one.
#
# The first line of the file is the marker by which it is found, among the open issues with the label.
# Needs GH_TOKEN with `issues: write`.
set -euo pipefail

action=$1
title=${3:+$2}
body=${3:-$2}
repository=${GITHUB_REPOSITORY:?}
label=${ISSUE_LABEL:-restate-drift}

MARKER=$(head -n 1 -- "$body")
case $MARKER in
  '<!-- restatectl'*' -->') ;;
  *)
    echo "issue.sh: $body does not start with a marker" >&2
    exit 64
    ;;
esac
# Anyone can open an issue that starts with the marker.
AUTHOR=${COMMENT_AUTHOR:-github-actions[bot]}
export MARKER AUTHOR

numbers=$(gh api --paginate "repos/$repository/issues?state=open&labels=$label&per_page=100" \
  --jq '.[] | select(.pull_request == null) | select(.user.login == env.AUTHOR) | select((.body // "") | startswith(env.MARKER)) | .number')
number=${numbers%%$'\n'*}

case $action in
  open)
    if [ -n "$number" ]; then
      gh api --silent --method PATCH "repos/$repository/issues/$number" --field "body=@$body"
    else
      # An issue is not found again without its label, so that has to be there first.
      gh label create "$label" --repo "$repository" --force \
        --description "The Restate server is not what its files say"
      gh api --silent --method POST "repos/$repository/issues" \
        --raw-field "title=$title" --field "body=@$body" --raw-field "labels[]=$label"
    fi
    ;;
  close)
    if [ -n "$number" ]; then
      gh api --silent --method PATCH "repos/$repository/issues/$number" \
        --raw-field state=closed --raw-field state_reason=completed --field "body=@$body"
    fi
    ;;
  *)
    echo "issue.sh: open or close" >&2
    exit 64
    ;;
esac
