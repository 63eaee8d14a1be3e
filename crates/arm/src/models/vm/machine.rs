//! What we read out of a VM's document; everything else is kept and echoed.

use super::{Size, VmError};
use crate::resource_id::ResourceId;
use serde_json::Value;

/// Longest addition to the kernel command line, bytes.
const APPEND_LIMIT: usize = 1024;
/// Longest hostname, bytes (Linux's own limit).
const HOSTNAME_LIMIT: usize = 64;
/// Longest user name, bytes (Linux's own limit).
const USER_LIMIT: usize = 32;

/// The part of a VM's document that makes the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// `location`, as written.
    pub location: String,
    /// What runs it.
    pub driver: Driver,
    /// Processors and memory.
    pub size: Size,
    /// `osProfile.computerName`, or the VM's name.
    pub computer_name: String,
    /// `osProfile.adminUsername`; empty where there is no `osProfile`.
    pub admin_user: String,
    /// Whether the administrator logs in with a password: Azure's default, unless
    /// `osProfile.linuxConfiguration.disablePasswordAuthentication` says otherwise. Never where something else runs it.
    pub password_login: bool,
    /// `osDisk.osType`, `Linux` where absent.
    pub os_type: String,
    /// `diagnosticsProfile.bootDiagnostics`.
    pub boot_diagnostics: BootDiagnostics,
}

/// What runs a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Driver {
    /// The host's own QEMU.
    Qemu {
        /// Name of the image on the host.
        image: String,
        /// Added to the kernel command line.
        append: String,
    },
    /// Something else runs it; we have its serial port only.
    Attach {
        /// `unix:/path`, `pty:/path` or `tcp:host:port`.
        endpoint: String,
    },
}

/// Where the serial log and the screenshot go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootDiagnostics {
    /// Nowhere.
    Disabled,
    /// Into the storage that the system owns.
    Managed,
    /// Into this account (its blob endpoint).
    Custom(String),
}

impl BootDiagnostics {
    /// Whether the log is kept.
    pub fn enabled(&self) -> bool {
        *self != Self::Disabled
    }
}

impl Machine {
    /// Reads a stored document. `name` is the VM's.
    pub fn read(name: &str, stored: &Value) -> Result<Self, VmError> {
        let properties = stored.get("properties").unwrap_or(&Value::Null);
        let location = match stored.get("location").and_then(Value::as_str).map(str::trim) {
            Some(location) if !location.is_empty() => location.to_owned(),
            _ => return Err(VmError::LocationRequired),
        };
        let driver = driver(properties)?;
        let vm_size = text(properties, "hardwareProfile", "vmSize")?;
        let size = match vm_size {
            None => Size::DEFAULT,
            Some(wanted) => Size::named(wanted).ok_or_else(|| {
                let names: Vec<_> = super::SIZES.iter().map(|s| s.name).collect();
                VmError::parameter(
                    "vmSize",
                    format!(
                        "The value {wanted} provided for the VM size is not valid. The valid sizes in the current region are: {}.",
                        names.join(",")
                    ),
                )
            })?,
        };
        let os_profile = properties.get("osProfile").filter(|v| !v.is_null());
        let created_from_image = matches!(driver, Driver::Qemu { .. });
        if created_from_image && os_profile.is_none() {
            return Err(VmError::missing("osProfile"));
        }
        let computer_name = match text(properties, "osProfile", "computerName")? {
            Some(given) => {
                check_hostname(given)?;
                given.to_owned()
            }
            None => hostname_of(name),
        };
        let admin_user = match text(properties, "osProfile", "adminUsername")? {
            Some(user) => {
                check_user(user)?;
                user.to_owned()
            }
            None if created_from_image => return Err(VmError::missing("osProfile.adminUsername")),
            None => String::new(),
        };
        let disabled = properties.pointer("/osProfile/linuxConfiguration/disablePasswordAuthentication");
        let password_login = created_from_image && disabled != Some(&Value::Bool(true));
        let os_type = properties
            .pointer("/storageProfile/osDisk/osType")
            .and_then(Value::as_str)
            .unwrap_or("Linux")
            .to_owned();
        let boot_diagnostics = boot_diagnostics(properties)?;
        Ok(Self {
            location,
            driver,
            size,
            computer_name,
            admin_user,
            password_login,
            os_type,
            boot_diagnostics,
        })
    }
}

fn driver(properties: &Value) -> Result<Driver, VmError> {
    let image = image(properties)?;
    let append = text(properties, "hardlineProfile", "kernelAppend")?.unwrap_or("");
    if append.len() > APPEND_LIMIT || !append.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Err(VmError::parameter(
            "hardlineProfile.kernelAppend",
            format!("'kernelAppend' must be at most {APPEND_LIMIT} printable ASCII characters."),
        ));
    }
    match text(properties, "hardlineProfile", "driver")?.unwrap_or("qemu") {
        "qemu" => match image {
            Some(image) => Ok(Driver::Qemu { image, append: append.to_owned() }),
            None => Err(VmError::missing("storageProfile.imageReference")),
        },
        "attach" => {
            let endpoint = text(properties, "hardlineProfile", "serial")?
                .ok_or_else(|| VmError::missing("hardlineProfile.serial"))?;
            if !is_endpoint(endpoint) {
                return Err(VmError::parameter(
                    "hardlineProfile.serial",
                    "'serial' must be 'unix:/PATH', 'pty:/PATH' or 'tcp:HOST:PORT'.",
                ));
            }
            Ok(Driver::Attach { endpoint: endpoint.to_owned() })
        }
        other => Err(VmError::parameter(
            "hardlineProfile.driver",
            format!("The driver '{other}' is not known. The drivers are: qemu, attach."),
        )),
    }
}

/// The image's name on a host.
fn image(properties: &Value) -> Result<Option<String>, VmError> {
    let Some(reference) = properties.pointer("/storageProfile/imageReference").filter(|v| !v.is_null())
    else {
        return Ok(None);
    };
    let part = |key: &str| reference.get(key).and_then(Value::as_str).unwrap_or("");
    let name = match part("id") {
        "" if part("publisher").eq_ignore_ascii_case("Hardline") => part("offer").to_owned(),
        "" => {
            let urn = [part("publisher"), part("offer"), part("sku"), part("version")].join(":");
            return Err(VmError::Image(urn));
        }
        id if id.starts_with('/') => match ResourceId::parse(id) {
            Ok(id) => id.name().to_owned(),
            Err(_) => return Err(VmError::Image(id.chars().take(260).collect())),
        },
        plain => plain.to_owned(),
    };
    // It becomes a directory's name on the host.
    let good = !name.is_empty()
        && name.len() <= 80
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if good { Ok(Some(name)) } else { Err(VmError::Image(name.chars().take(80).collect())) }
}

fn boot_diagnostics(properties: &Value) -> Result<BootDiagnostics, VmError> {
    let Some(given) = properties.pointer("/diagnosticsProfile/bootDiagnostics").filter(|v| !v.is_null())
    else {
        return Ok(BootDiagnostics::Managed);
    };
    let enabled = match given.get("enabled") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(enabled)) => *enabled,
        // Older clients send the word.
        Some(Value::String(word)) if word.eq_ignore_ascii_case("true") => true,
        Some(Value::String(word)) if word.eq_ignore_ascii_case("false") => false,
        Some(_) => {
            return Err(VmError::parameter(
                "diagnosticsProfile.bootDiagnostics.enabled",
                "'enabled' must be true or false.",
            ));
        }
    };
    let uri = given.get("storageUri").and_then(Value::as_str).filter(|u| !u.is_empty());
    Ok(match (enabled, uri) {
        (false, _) => BootDiagnostics::Disabled,
        (true, None) => BootDiagnostics::Managed,
        (true, Some(uri)) => BootDiagnostics::Custom(uri.to_owned()),
    })
}

/// `properties.{profile}.{member}`: its text, or none where it is absent, null or empty.
fn text<'a>(properties: &'a Value, profile: &str, member: &str) -> Result<Option<&'a str>, VmError> {
    match properties.get(profile).and_then(|p| p.get(member)) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(s)) if s.is_empty() => Ok(None),
        Some(Value::String(s)) => Ok(Some(s)),
        Some(_) => {
            let target = format!("{profile}.{member}");
            Err(VmError::parameter(&target, format!("The value of parameter '{target}' must be a string.")))
        }
    }
}

fn check_hostname(name: &str) -> Result<(), VmError> {
    let good = name.len() <= HOSTNAME_LIMIT
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().any(|b| !b.is_ascii_digit());
    if good {
        return Ok(());
    }
    Err(VmError::parameter(
        "osProfile.computerName",
        format!(
            "The computer name '{}' is not valid: at most {HOSTNAME_LIMIT} letters, digits, '-' and '.', not digits only, with a letter or digit at both ends.",
            name.chars().take(80).collect::<String>()
        ),
    ))
}

/// A hostname out of a VM's name, which may hold more.
fn hostname_of(name: &str) -> String {
    let text: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let text = text.trim_matches(['-', '.']);
    if check_hostname(text).is_ok() && !text.is_empty() { text.to_owned() } else { "vm".to_owned() + text }
}

fn check_user(user: &str) -> Result<(), VmError> {
    let good = user.len() <= USER_LIMIT
        && user.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && user.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && !user.eq_ignore_ascii_case("root");
    if good {
        return Ok(());
    }
    Err(VmError::parameter(
        "adminUsername",
        format!(
            "The Admin Username specified is not allowed: at most {USER_LIMIT} letters, digits, '-', '_' and '.', starting with a letter or '_', and not 'root'."
        ),
    ))
}

fn is_endpoint(text: &str) -> bool {
    if text.len() > 4096 || text.chars().any(char::is_control) {
        return false;
    }
    match text.split_once(':') {
        Some(("unix" | "pty", path)) => path.starts_with('/') && path.len() > 1,
        Some(("tcp", rest)) => rest
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn base() -> Value {
        json!({"location": "local", "properties": {
            "hardwareProfile": {"vmSize": "standard_b1s"},
            "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo", "sku": "1"}},
            "osProfile": {"adminUsername": "operator"},
        }})
    }

    fn refused(pointer: &str, value: Value) -> VmError {
        let mut body = base();
        *body.pointer_mut(pointer).unwrap() = value;
        Machine::read("vm1", &body).unwrap_err()
    }

    #[test]
    fn a_machine_with_defaults() {
        let machine = Machine::read("web_1", &base()).unwrap();
        assert_eq!(machine.driver, Driver::Qemu { image: "hardline-demo".into(), append: String::new() });
        assert_eq!((machine.size.name, machine.computer_name.as_str()), ("Standard_B1s", "web-1"));
        assert_eq!(machine.boot_diagnostics, BootDiagnostics::Managed);
        assert_eq!(Machine::read("007", &base()).unwrap().computer_name, "vm007");
    }

    #[test]
    fn what_is_refused() {
        assert_eq!(refused("/location", json!(" ")), VmError::LocationRequired);
        let size = refused("/properties/hardwareProfile/vmSize", json!("Standard_Z9"));
        assert!(size.to_string().starts_with("The value Standard_Z9 provided for the VM size is not valid."));
        let image = "/properties/storageProfile/imageReference";
        assert_eq!(
            refused(image, json!({"publisher": "Canonical", "offer": "u", "sku": "s", "version": "latest"}))
                .code(),
            "PlatformImageNotFound"
        );
        assert_eq!(refused(image, json!({"id": "../etc"})).code(), "PlatformImageNotFound");
        assert_eq!(
            refused(image, json!(null)).to_string(),
            "Required parameter 'storageProfile.imageReference' is missing (null)."
        );
        assert_eq!(
            refused("/properties/osProfile", json!(null)).to_string(),
            "Required parameter 'osProfile' is missing (null)."
        );
        for user in ["root", "a b", "1a", "x:y", "a\nb"] {
            assert_eq!(
                refused("/properties/osProfile/adminUsername", json!(user)).target(),
                Some("adminUsername"),
                "{user}"
            );
        }
        assert_eq!(
            refused("/properties/osProfile", json!({"adminUsername": "u", "computerName": "-x"})).target(),
            Some("osProfile.computerName")
        );
        assert_eq!(
            refused("/properties/hardwareProfile/vmSize", json!(7)).to_string(),
            "The value of parameter 'hardwareProfile.vmSize' must be a string."
        );
    }

    #[test]
    fn images_by_id() {
        let mut body = base();
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/debian-12";
        body["properties"]["storageProfile"]["imageReference"] = json!({"id": id});
        let machine = Machine::read("vm", &body).unwrap();
        assert_eq!(machine.driver, Driver::Qemu { image: "debian-12".into(), append: String::new() });
    }

    #[test]
    fn attached_machines_need_an_endpoint_only() {
        let body = |serial: &str| json!({"location": "l", "properties": {"hardlineProfile": {"driver": "attach", "serial": serial}}});
        for good in ["unix:/run/x.sock", "pty:/dev/pts/3", "tcp:localhost:5000", "tcp:[::1]:5000"] {
            let machine = Machine::read("vm", &body(good)).unwrap();
            assert_eq!(machine.driver, Driver::Attach { endpoint: good.into() });
        }
        for bad in ["", "unix:x", "tcp:h", "tcp:h:0", "exec:sh", "pty:/"] {
            assert!(Machine::read("vm", &body(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn boot_diagnostics_three_ways() {
        let read = |value: Value| {
            let mut body = base();
            body["properties"]["diagnosticsProfile"] = json!({"bootDiagnostics": value});
            Machine::read("vm", &body).map(|m| m.boot_diagnostics)
        };
        assert_eq!(read(json!({"enabled": true})), Ok(BootDiagnostics::Managed));
        assert_eq!(read(json!({"enabled": "False"})), Ok(BootDiagnostics::Disabled));
        assert_eq!(
            read(json!({"enabled": false, "storageUri": "https://a/"})),
            Ok(BootDiagnostics::Disabled)
        );
        assert_eq!(
            read(json!({"enabled": true, "storageUri": "https://a/"})),
            Ok(BootDiagnostics::Custom("https://a/".into()))
        );
        assert!(read(json!({"enabled": 1})).is_err());
    }
}
