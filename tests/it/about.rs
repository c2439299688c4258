//! The verbs that need no files and no server.

use crate::harness::Desk;
use serde_json::Value;

#[test]
fn explain_takes_every_code_that_it_lists_and_suggests_one_for_a_typo() {
    let desk = Desk::new();
    let all = desk.run(&["explain"]).expect(0).stdout;
    assert!(all.lines().count() > 70);
    for code in all.lines() {
        let ran = desk.run(&["explain", code]).expect(0);
        assert!(ran.stdout.starts_with(&format!("{code}\n\n")), "{}", ran.stdout);
    }
    let json = desk
        .run(&["explain", "no-group-id", "--format", "json"])
        .expect(0)
        .json();
    assert!(
        json["explanation"]
            .as_str()
            .unwrap()
            .contains("group.id: shop-orders")
    );
    let ran = desk.run(&["explain", "no-groupid"]).expect(64);
    assert!(
        ran.stderr.contains("did you mean `no-group-id`?"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_starter_is_valid_as_it_is_and_with_everything_in_it() {
    let mut desk = Desk::new();
    let ran = desk.run(&["init"]).expect(0);
    assert!(ran.stdout.contains("restate.yaml"), "{}", ran.stdout);
    let ran = desk.run(&["validate", "--deny-warnings"]).expect(0);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    // What it has as comments is valid, too.
    let text = std::fs::read_to_string(desk.path().join("restate.yaml")).unwrap();
    let lines = text.lines().skip_while(|line| !line.starts_with("version"));
    let is_field = |rest: &str| {
        rest.split_once(':')
            .is_some_and(|(key, _)| !key.contains([' ', '`']))
    };
    let is_yaml = |rest: &str| rest.starts_with(' ') || is_field(rest);
    let full: Vec<String> = lines
        .filter_map(|line| match line.strip_prefix("# ") {
            Some(rest) => is_yaml(rest).then(|| format!("{rest}\n")),
            None => Some(format!("{line}\n")),
        })
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect();
    let full = full.concat();
    desk.write("full.yaml", &full);
    desk.set_env("CHECKOUT_TOKEN", "x");
    let ran = desk.run(&["validate", "--deny-warnings", "-f", "full.yaml"]);
    assert_eq!(ran.code, 0, "{full}\n{}", ran.stderr);
    assert!(
        ran.stdout
            .contains("2 deployments, overrides of 1 service, 1 subscription"),
        "{}",
        ran.stdout
    );
}

#[test]
fn init_writes_over_nothing() {
    let desk = Desk::new();
    desk.write("restate.yaml", "precious");
    let json = desk.run(&["init", "--format", "json"]).expect(1).json();
    assert_eq!(json["problems"][0]["code"], "file-exists");
    assert_eq!(
        std::fs::read_to_string(desk.path().join("restate.yaml")).unwrap(),
        "precious"
    );
    let json = desk
        .run(&["init", "no/folder.yaml", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(json["problems"][0]["code"], "unwritable-file");
}

#[test]
fn schemas_are_those_of_the_repository() {
    let desk = Desk::new();
    for name in ["desired-state", "plan", "report", "drift", "snapshot"] {
        let printed = desk.run(&["schema", name]).expect(0).stdout;
        let path = format!("{}/schemas/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(printed, std::fs::read_to_string(path).unwrap());
        serde_json::from_str::<Value>(&printed).unwrap();
    }
}

#[test]
fn completions_and_manual_pages_name_every_verb() {
    let desk = Desk::new();
    let verbs = [
        "validate",
        "plan",
        "apply",
        "drift",
        "show",
        "export",
        "snapshot",
        "graph",
        "delete",
        "explain",
        "init",
        "schema",
        "completions",
        "man",
    ];
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = desk.run(&["completions", shell]).expect(0).stdout;
        assert!(verbs.iter().all(|verb| script.contains(verb)), "{shell}");
    }
    let page = desk.run(&["man"]).expect(0).stdout;
    assert!(page.contains(".TH") && verbs.iter().all(|verb| page.contains(verb)));
    let page = desk.run(&["man", "apply"]).expect(0).stdout;
    assert!(page.contains("wait\\-endpoints"), "{page}");
    desk.run(&["man", "nothing"]).expect(64);
}

/// What people type who come from another tool gets the name that it has here.
#[test]
fn what_is_typed_from_habit() {
    let desk = Desk::new();
    desk.write("a.yaml", "version: 1\n");
    desk.write("b.json", r#"{ "version": 1 }"#);
    for (args, tip) in [
        (&["diff"][..], "restatectl plan"),
        (&["destroy"], "apply --destroy"),
        (&["status"], "restatectl drift"),
        (&["fmt"], "restatectl render"),
        (&["nodes"], "Restate's own program"),
        (&["plan", "a.yaml"], "`restatectl plan -f a.yaml`"),
        (&["drift", "a.yaml"], "`restatectl drift -f a.yaml`"),
        (&["plan", "-o", "x"], "`--out FILE`"),
        (&["plan", "-out=x"], "`--out FILE`"),
        (&["apply", "--auto-approve"], "`--yes`"),
        (&["apply", "--dry-run"], "restatectl plan"),
        (&["plan", "--filename", "a.yaml"], "`-f FILE`"),
    ] {
        let ran = desk.run(args).expect(64);
        assert!(ran.stderr.contains(tip), "{args:?}: {}", ran.stderr);
        let ran = desk.run(&[args, &["--format", "json"]].concat()).expect(64);
        let help = ran.json()["problems"][0]["help"].clone();
        assert!(help.as_str().unwrap().contains(tip), "{args:?}: {help}");
    }
    // A desired-state file where a plan belongs.
    for (verb, file) in [("apply", "a.yaml"), ("apply", "b.json"), ("show", "a.yaml")] {
        let ran = desk.run(&[verb, file, "--format", "json"]).expect(1);
        let help = ran.json()["problems"][0]["help"].clone();
        assert_eq!(help, format!("name it with `-f {file}`"), "{verb}");
    }
    // Nothing is guessed about what is only misspelled.
    assert!(
        !desk
            .run(&["plan", "--allwo", "x"])
            .expect(64)
            .stderr
            .contains("here:")
    );
}
