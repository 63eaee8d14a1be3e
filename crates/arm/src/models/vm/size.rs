//! The sizes that a VM may have.

/// A size: its name and what the guest gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Azure's name, compared in any case.
    pub name: &'static str,
    /// Virtual processors.
    pub vcpus: u32,
    /// Guest memory, MiB.
    pub memory_mib: u32,
}

const fn size(name: &'static str, vcpus: u32, memory_mib: u32) -> Size {
    Size { name, vcpus, memory_mib }
}

/// The table. `Standard_A0` is the smallest that boots the demo guest.
pub const SIZES: &[Size] = &[
    size("Standard_A0", 1, 256),
    size("Standard_B1ls", 1, 512),
    size("Standard_B1s", 1, 1024),
    size("Standard_B1ms", 1, 2048),
    size("Standard_B2s", 2, 4096),
    size("Standard_B2ms", 2, 8192),
    size("Standard_DS1_v2", 1, 3584),
    size("Standard_D2s_v3", 2, 8192),
    size("Standard_D2s_v5", 2, 8192),
    size("Standard_D4s_v3", 4, 16384),
    size("Standard_D4s_v5", 4, 16384),
];

impl Size {
    /// What a VM gets whose body names no size.
    pub const DEFAULT: Size = size("Standard_B1ls", 1, 512);

    /// The size of this name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        SIZES.iter().copied().find(|s| s.name.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_in_any_case() {
        assert_eq!(Size::named("standard_b1s").map(|s| s.memory_mib), Some(1024));
        assert_eq!(Size::named("Standard_Z9"), None);
        assert_eq!(Size::named(Size::DEFAULT.name), Some(Size::DEFAULT));
    }
}
