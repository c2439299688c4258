//! The JSON Schema of the file, for editors: what the types cannot say by themselves.

use super::File;
use crate::duration::PATTERN;
use schemars::Schema;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Map, Value as Json, json};

/// A value that is filled in is whatever it is.
const REFERENCE: &str = r"\$\{";

pub fn schema() -> Schema {
    schemars::generate::SchemaSettings::draft2020_12()
        .for_deserialize()
        .with_transform(AsWritten)
        .into_generator()
        .into_root_schema_for::<File>()
}

/// Turns what the types accept into what people should write.
#[derive(Clone)]
struct AsWritten;

impl Transform for AsWritten {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else {
            return;
        };
        not_null(object);
        object.remove("format");
        if let Some(Json::String(text)) = object.get_mut("description") {
            // Lines end where the source's do, paragraphs do not.
            let paragraphs: Vec<String> = text.split("\n\n").map(|p| p.replace('\n', " ")).collect();
            *text = paragraphs.join("\n\n");
        }
        if object.get("type") == Some(&json!("boolean")) {
            object.remove("type");
            object.insert(
                "anyOf".to_owned(),
                json!([{ "type": "boolean" }, { "type": "string", "pattern": REFERENCE }]),
            );
        }
        if object.get("type") == Some(&json!("string")) {
            let is_word = object.contains_key("enum") || object.contains_key("const");
            match object.get_mut("pattern") {
                Some(Json::String(pattern)) => {
                    let may_be_zero = *pattern == PATTERN;
                    *pattern = format!("{pattern}|{REFERENCE}");
                    if may_be_zero {
                        object.insert("type".to_owned(), json!(["string", "integer"]));
                        object.insert("maximum".to_owned(), 0.into());
                        object.insert("minimum".to_owned(), 0.into());
                    }
                }
                _ if is_word => {}
                // Free text may look like a number: it stays as it is written.
                _ => {
                    object.insert("type".to_owned(), json!(["string", "number", "boolean"]));
                }
            }
        }
    }
}

/// A field without a value is one that is not written, which is not what it looks like.
fn not_null(object: &mut Map<String, Json>) {
    if let Some(Json::Array(types)) = object.get_mut("type") {
        types.retain(|ty| ty != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Json::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Json::Object(only)] = &choices[..] {
            let only = only.clone();
            object.remove("anyOf");
            object.extend(only);
        }
    }
}
