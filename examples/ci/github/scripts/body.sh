#!/usr/bin/env bash
# body.sh KIND NAME CODE REPORT: writes the text of a comment or an issue to standard output.
#
# KIND is plan, apply or drift, NAME tells apart what is kept in one repository (the environment), CODE
# is what restatectl exited with, and REPORT its Markdown, which need not be there.
set -euo pipefail

kind=$1
name=$2
code=$3
report=$4

run="${GITHUB_SERVER_URL:-https://github.com}/${GITHUB_REPOSITORY:?}/actions/runs/${GITHUB_RUN_ID:?}"

# Not the report's own marker, which names the cluster: a run that failed early never learned that, and
# what it has to say must take the place of the older report all the same.
printf '<!-- restatectl-ci %s %s -->\n' "$kind" "$name"

case "$kind $code" in
  "plan 0" | "plan 2" | "apply 0" | "drift 0" | "drift 2") ;;
  "plan 1") echo "**There is no plan** (exit 1): something is wrong, and it is said below or in [the log]($run)." ;;
  "plan 5") echo "**Refused** (exit 5): this needs consent that it was not given, or asks for an endpoint that this workflow does not allow." ;;
  "apply 1") echo "**Not applied** (exit 1): an error, and nothing was changed. [The log]($run) says which; the job can be run again." ;;
  "apply 3") echo "**Applied in part** (exit 3): some changes failed, or nobody knows whether they landed. Look at [the log]($run), then make a new plan: it has the rest." ;;
  "apply 4") echo "**Not applied, the plan is stale** (exit 4): the server or the files moved since it was made. Nothing was changed." ;;
  "apply 5") echo "**Not applied, refused** (exit 5) by a safety rule. Nothing was changed." ;;
  "apply 130") echo "**Interrupted** (exit 130): [the log]($run) says what was applied. Make a new plan: it has the rest." ;;
  "apply none") echo "**Not applied: there is no plan to apply.** ${WHY:-[The log]($run) says why.}" ;;
  *) echo "**restatectl $kind failed** (exit $code). See [the log]($run)." ;;
esac

if [ "$kind" = apply ] && [ "$code" != 0 ] && [ "$code" != 1 ]; then
  cat <<TEXT

Nothing is planned anew behind your back. To do it, run the workflow \`restate-apply\` by hand, on the
Actions page or with \`gh workflow run restate-apply.yml\`: it plans what the default branch says now,
shows the plan in its summary, and applies it when the reviewers of the environment approve.
TEXT
fi

if [ -s "$report" ]; then
  echo
  cat -- "$report"
fi

printf '\n<sub>[Run](%s)</sub>\n' "$run"
