#!/usr/bin/env bash
# comment.sh PR BODY_FILE: comments on a pull request. The first line of the file is a marker; a comment
# of ours that starts with it is brought up to date, and any other is left alone.
#
# Needs GH_TOKEN with `pull-requests: write`.
set -euo pipefail

pr=$1
body=$2
repository=${GITHUB_REPOSITORY:?}

MARKER=$(head -n 1 -- "$body")
case $MARKER in
  '<!-- restatectl'*' -->') ;;
  *)
    echo "comment.sh: $body does not start with a marker" >&2
    exit 64
    ;;
esac
# Anyone can write a comment that starts with the marker.
AUTHOR=${COMMENT_AUTHOR:-github-actions[bot]}
export MARKER AUTHOR

ids=$(gh api --paginate "repos/$repository/issues/$pr/comments?per_page=100" \
  --jq '.[] | select(.user.login == env.AUTHOR) | select((.body // "") | startswith(env.MARKER)) | .id')
id=${ids%%$'\n'*}

# The text goes from the file to the API; no shell ever reads it.
if [ -n "$id" ]; then
  gh api --silent --method PATCH "repos/$repository/issues/comments/$id" --field "body=@$body"
else
  gh api --silent --method POST "repos/$repository/issues/$pr/comments" --field "body=@$body"
fi
