#!/usr/bin/env python3
"""What the GitLab jobs need of the merge request that they are about.

restate-mr note KIND NAME CODE REPORT
    Posts the report of a plan or an apply as a note, or brings the note of ours up to date that is about
    the same. KIND is plan or apply, NAME tells apart what is kept in one project (the environment), CODE is
    what restatectl exited with, REPORT its Markdown, which need not be there.

restate-mr fetch-plan NAME JOB FILE
    Fetches FILE as JOB left it in the last pipeline of the merge request that brought this commit. If there
    is none, a note says so.

Needs RESTATE_GITLAB_TOKEN, a project access token with the scope `api` and the role Developer. Only Python's
own library is used, so that the image stays small.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

REPLAN = """
Nothing is planned anew behind your back. To do it, run a new pipeline on the default branch (Build >
Pipelines > New pipeline): `restate-replan` shows the plan, and `restate-apply-replanned` waits for you.
"""

# Of the exit codes of restatectl, those that a reader has to be told about.
MEANING = {
    ("plan", "1"): "**There is no plan** (exit 1): something is wrong, and it is said below or in the log.",
    ("plan", "5"): "**Refused** (exit 5): this needs consent that it was not given, or asks for an endpoint"
    " that this pipeline does not allow.",
    ("apply", "1"): "**Not applied** (exit 1): an error, and nothing was changed. The job can be run again.",
    ("apply", "3"): "**Applied in part** (exit 3): some changes failed, or nobody knows whether they landed."
    " Look at the log, then make a new plan: it has the rest.",
    ("apply", "4"): "**Not applied, the plan is stale** (exit 4): the server or the files moved since it was"
    " made. Nothing was changed.",
    ("apply", "5"): "**Not applied, refused** (exit 5) by a safety rule. Nothing was changed.",
    ("apply", "130"): "**Interrupted** (exit 130): the log says what was applied. Make a new plan: it has the"
    " rest.",
}
FINE = {("plan", "0"), ("plan", "2"), ("apply", "0")}


class Failure(Exception):
    """Said to the user without a trace."""


class DropTokenElsewhere(urllib.request.HTTPRedirectHandler):
    """Artifacts can lie in an object store, which must not see the token."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request and urllib.parse.urlsplit(newurl)[:2] != urllib.parse.urlsplit(req.full_url)[:2]:
            request.headers.pop("Private-token", None)
        return request


OPENER = urllib.request.build_opener(DropTokenElsewhere)


def variable(name):
    value = os.environ.get(name, "")
    if not value:
        raise Failure(f"the variable {name} is not set")
    return value


def call(method, path, data=None):
    """The body of the answer, and the number of the next page if there is one."""
    request = urllib.request.Request(
        variable("CI_API_V4_URL") + path,
        method=method,
        data=None if data is None else json.dumps(data).encode(),
        headers={"PRIVATE-TOKEN": variable("RESTATE_GITLAB_TOKEN"), "Content-Type": "application/json"},
    )
    try:
        with OPENER.open(request, timeout=60) as answer:
            return answer.read(), answer.headers.get("x-next-page")
    except urllib.error.HTTPError as error:
        raise Failure(f"{method} {path}: GitLab answered {error.code} {error.reason}") from None
    except (urllib.error.URLError, TimeoutError) as error:
        raise Failure(f"{method} {path}: {getattr(error, 'reason', error)}") from None


def get(path):
    return json.loads(call("GET", path)[0])


def pages(path):
    page = "1"
    while page:
        body, page = call("GET", f"{path}{'&' if '?' in path else '?'}per_page=100&page={page}")
        yield from json.loads(body)


def project():
    return "/projects/" + variable("CI_PROJECT_ID")


def merged_request():
    """The merge request whose merge made this commit, if one did."""
    sha = variable("CI_COMMIT_SHA")
    for request in pages(f"{project()}/repository/commits/{sha}/merge_requests"):
        made = (request.get("merge_commit_sha"), request.get("squash_commit_sha"), request.get("sha"))
        if (
            request["state"] == "merged"
            and request["target_branch"] == variable("CI_COMMIT_BRANCH")
            and sha in made
        ):
            return request
    return None


def note_text(kind, name, code, report, why=""):
    # Not the report's own marker, which names the cluster: a run that failed early never learned that, and
    # what it has to say must take the place of the older report all the same.
    parts = [f"<!-- restatectl-ci {kind} {name} -->\n"]
    if why:
        parts.append(f"**Not applied: there is no plan to apply.** {why}\n")
    elif (kind, code) not in FINE:
        parts.append(MEANING.get((kind, code), f"**restatectl {kind} failed** (exit {code}).") + "\n")
    if kind == "apply" and code not in ("0", "1"):
        parts.append(REPLAN)
    if os.path.exists(report):
        with open(report, encoding="utf-8") as file:
            parts.append("\n" + file.read())
    parts.append(f"\n[Job]({variable('CI_JOB_URL')})\n")
    return "".join(parts)


def post(iid, text):
    marker = text.split("\n", 1)[0]
    notes = f"{project()}/merge_requests/{int(iid)}/notes"
    # Anyone can write a note that starts with the marker: only our own is changed.
    me = get("/user")["id"]
    for note in pages(f"{notes}?sort=asc"):
        if note["author"]["id"] == me and note["body"].startswith(marker):
            call("PUT", f"{notes}/{note['id']}", {"body": text})
            return
    call("POST", notes, {"body": text})


def note(kind, name, code, report):
    iid = os.environ.get("CI_MERGE_REQUEST_IID")
    if not iid:
        request = merged_request()
        if request is None:
            print("This commit did not come from a merge request, so nobody is told.", file=sys.stderr)
            return
        iid = request["iid"]
    post(iid, note_text(kind, name, code, report))


def find_plan(request, job):
    if request is None:
        raise Failure("This commit did not come from a merge request, so no plan was reviewed.")
    # The pipeline of a fork has no variables, and what it leaves is a stranger's.
    if request["source_project_id"] != request["target_project_id"]:
        raise Failure("The merge request came from a fork, where no plan of the server is made.")
    pipeline = get(f"{project()}/merge_requests/{request['iid']}").get("head_pipeline")
    if not pipeline or pipeline.get("source") != "merge_request_event":
        raise Failure("No plan was made for the last commit of the merge request.")
    jobs = [
        found["id"]
        for found in pages(f"{project()}/pipelines/{pipeline['id']}/jobs?scope[]=success")
        if found["name"] == job
    ]
    if not jobs:
        raise Failure("The last plan of the merge request did not end well.")
    return max(jobs)


def fetch_plan(name, job, path):
    request = merged_request()
    try:
        found = find_plan(request, job)
        artifact = urllib.parse.quote(path)
        plan, _ = call("GET", f"{project()}/jobs/{found}/artifacts/{artifact}")
    except Failure as failure:
        if request is not None:
            post(request["iid"], note_text("apply", name, "none", os.devnull, str(failure)))
        raise
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(plan)


def main(arguments):
    try:
        match arguments:
            case ["note", kind, name, code, report]:
                note(kind, name, code, report)
            case ["fetch-plan", name, job, path]:
                fetch_plan(name, job, path)
            case _:
                print(__doc__, file=sys.stderr)
                return 64
    except Failure as failure:
        print(f"restate-mr: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
