//! Any path: parses or is refused; what parses prints as something that parses to the same.
#![no_main]
use hardline_arm::operation::identify;
use hardline_arm::resource_id::{ArmPath, ResourceId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|path: &str| {
    let Ok(parsed) = ArmPath::parse(path) else { return };
    let _ = identify(&"GET".parse().expect("a method"), &parsed);
    let printed = parsed.id.to_string();
    if let Ok(again) = ResourceId::parse(&printed) {
        assert_eq!(again, parsed.id);
    }
    for scope in parsed.id.scopes() {
        assert!(scope.contains(&parsed.id));
    }
});
