"""Stands in for the GitHub CLI: a repository kept in the JSON file $FAKE_GH, and each call in its `calls`.

It pages by two, so that a script that reads one page alone is found out.
"""

import json
import os
import sys
from urllib.parse import parse_qs, urlsplit

import jq

PAGE = 2
ME = "github-actions[bot]"


def fail(text):
    sys.exit(f"gh: {text}")


def parse(arguments):
    options = {"paginate": False, "silent": False, "method": None, "jq": None, "fields": {}}
    path = None
    rest = iter(arguments)
    for word in rest:
        if word in ("--paginate", "--silent"):
            options[word[2:]] = True
        elif word in ("--method", "--jq"):
            options[word[2:]] = next(rest)
        elif word in ("--field", "--raw-field"):
            key, value = next(rest).split("=", 1)
            if word == "--field" and value.startswith("@"):
                with open(value[1:], encoding="utf-8") as file:
                    value = file.read()
            if key.endswith("[]"):
                options["fields"].setdefault(key[:-2], []).append(value)
            else:
                options["fields"][key] = value
        elif word.startswith("-"):
            fail(f"unknown flag: {word}")
        elif path is None:
            path = word
        else:
            fail(f"unexpected argument: {word}")
    return path, options


def collection(store, path):
    """The list that a path names, or None: `comments` of an issue, or the issues."""
    head, _, last = path.rpartition("/")
    if last == "comments" and "/issues/" in head:
        return store.setdefault("comments", [])
    if last == "issues":
        return store.setdefault("issues", [])
    return None


def answer(store, method, path, query, fields):
    found = collection(store, path)
    if method == "GET":
        if found is None:
            if path not in store.get("answers", {}):
                fail("Not Found (HTTP 404)")
            return store["answers"][path]
        for key in ("state", "labels"):
            for wanted in query.get(key, []):
                found = [one for one in found if wanted == one.get(key) or wanted in one.get(key, [])]
        return found
    if method == "POST" and found is not None:
        number = 1000 + len(found)
        new = {"id": number, "number": number, "user": {"login": ME}, "state": "open", **fields}
        # Labels that do not exist are dropped, as GitHub does where it may not make them.
        new["labels"] = [name for name in fields.get("labels", []) if name in store.get("labels", [])]
        found.append(new)
        return new
    if method == "PATCH":
        head, _, number = path.rpartition("/")
        listed = "comments" if head.endswith("/issues/comments") else "issues"
        for one in store.get(listed, []):
            if str(one["id"]) == number:
                one.update(fields)
                return one
    fail(f"{method} {path}: Not Found (HTTP 404)")


def api(store, arguments):
    path, options = parse(arguments)
    method = options["method"] or ("POST" if options["fields"] else "GET")
    store.setdefault("calls", []).append(f"{method} {path}")
    split = urlsplit(path)
    body = answer(store, method, split.path, parse_qs(split.query), options["fields"])
    pages = [body]
    if isinstance(body, list):
        pages = [body[at : at + PAGE] for at in range(0, len(body), PAGE)] or [[]]
    for page in pages if options["paginate"] else pages[:1]:
        if options["silent"]:
            continue
        if options["jq"] is None:
            print(json.dumps(page))
            continue
        for value in jq.compile(options["jq"]).input_value(page):
            print(value if isinstance(value, str) else json.dumps(value))


def main():
    with open(os.environ["FAKE_GH"], encoding="utf-8") as file:
        store = json.load(file)
    if not os.environ.get("GH_TOKEN"):
        fail("set GH_TOKEN")
    if sys.argv[1] == "api":
        api(store, sys.argv[2:])
    elif sys.argv[1:3] == ["label", "create"]:
        store.setdefault("calls", []).append(f"label {sys.argv[3]}")
        store.setdefault("labels", []).append(sys.argv[3])
    else:
        fail(f"unknown command {sys.argv[1:]}")
    with open(os.environ["FAKE_GH"], "w", encoding="utf-8") as file:
        json.dump(store, file)


main()
