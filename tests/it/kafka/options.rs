//! Why an option that librdkafka does not know is an error: nothing else tells.

use super::stage::{SOURCE, Stage, TOPIC};
use crate::harness::wait_until;
use crate::server::VERSIONS;
use crate::world::Target;
use serde_json::{Value, json};

#[test]
fn an_unknown_option_is_accepted_and_its_consumer_never_starts() {
    for version in VERSIONS {
        let mut stage = Stage::set(version);
        stage.world.register(stage.endpoint.url());
        let bogus = json!({ "group.id": "g-bogus", "auto.offset.reset": "earliest", "bogus.option": "1" });
        let bogus = stage.world.subscribe(SOURCE, "service://Orders/take", &bogus);
        let sound = json!({ "group.id": "g-sound", "auto.offset.reset": "earliest" });
        let sound = stage.world.subscribe(SOURCE, "service://Orders/accept", &sound);

        stage.broker.write(TOPIC, 300);
        wait_until(|| stage.ledger.invoked("accept") == 300);
        stage.drain("g-sound");
        assert_eq!(stage.ledger.invoked("take"), 0, "{version}");
        assert_eq!(stage.broker.lag("g-bogus", TOPIC), 300, "{version}");

        let shape = |id: &str| fields(&stage.world.get(&format!("/subscriptions/{id}")));
        assert_eq!(shape(&bogus), shape(&sound), "{version}: it looks like any other");
        let Target::Real(server) = &stage.world.target else {
            unreachable!()
        };
        wait_until(|| {
            server
                .log()
                .contains("No such configuration property: \"bogus.option\"")
        });

        stage.wants("take", "group.id: g-bogus, bogus.option: 1");
        for args in [&["validate", "--format", "json"], &["plan", "--format", "json"]] {
            let told = stage.world.run(args).expect(1);
            assert!(told.stdout.contains("unknown-kafka-option"), "{told:?}");
        }
    }
}

fn fields(subscription: &Value) -> Vec<String> {
    subscription.as_object().unwrap().keys().cloned().collect()
}
