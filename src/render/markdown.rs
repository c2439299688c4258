use crate::apply::Report;
use crate::drift::Drift;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::source::Sources;
pub fn plan(_: &Plan) -> String {
    String::new()
}
pub fn report(_: &Report) -> String {
    String::new()
}
pub fn drift(_: &Drift) -> String {
    String::new()
}
pub fn problems(_: &[Problem], _: &Sources) -> String {
    String::new()
}
pub fn valid(_: &str, _: &[Problem], _: &Sources) -> String {
    String::new()
}
