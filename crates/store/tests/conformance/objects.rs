//! Objects on a local disk.

use bytes::Bytes;
use hardline_store::{Objects, StoreError};
use std::process::Command;
use tempfile::TempDir;

#[tokio::test]
async fn objects_are_created_once_and_read_in_ranges() {
    let directory = TempDir::new().unwrap();
    let objects = Objects::open_local(&directory.path().join("objects")).unwrap();
    objects.create("serial/v1/a", Bytes::from_static(b"0123456789")).await.unwrap();
    let again = objects.create("serial/v1/a", Bytes::from_static(b"x")).await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    objects.sync().await.unwrap();
    assert_eq!(objects.get("serial/v1/a").await.unwrap(), "0123456789");
    assert_eq!(objects.get_range("serial/v1/a", 2..5).await.unwrap(), "234");
    assert_eq!(objects.get_range("serial/v1/a", 8..50).await.unwrap(), "89");
    assert_eq!(objects.get_range("serial/v1/a", 3..3).await.unwrap(), "");
    objects.put("serial/v1/b", Bytes::from_static(b"1")).await.unwrap();
    objects.put("serial/v1/b", Bytes::from_static(b"22")).await.unwrap();
    objects.put("serial/v10/c", Bytes::from_static(b"3")).await.unwrap();
    let listed: Vec<_> =
        objects.list("serial/v1").await.unwrap().into_iter().map(|o| (o.key, o.length)).collect();
    assert_eq!(listed, [("serial/v1/a".to_owned(), 10), ("serial/v1/b".to_owned(), 2)]);
    objects.delete("serial/v1/a").await.unwrap();
    objects.delete("serial/v1/a").await.unwrap();
    assert!(matches!(objects.get("serial/v1/a").await, Err(StoreError::NotFound)));
}

/// A disk of 64 KiB. Needs the right to mount, which a container as root has and a laptop's user has not: then the
/// kernel's own full device stands in for it.
#[tokio::test]
async fn a_full_disk_is_told_apart() {
    let directory = TempDir::new().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(directory.path())
        .output()
        .is_ok_and(|o| o.status.success());
    if !mounted {
        let error = std::fs::OpenOptions::new().write(true).open("/dev/full").and_then(|mut f| {
            use std::io::Write as _;
            f.write_all(b"x")
        });
        assert_eq!(error.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
        return;
    }
    let objects = Objects::open_local(&directory.path().join("objects")).unwrap();
    let result = objects.create("a", Bytes::from(vec![7; 256 << 10])).await;
    let left = objects.list("").await;
    objects.create("b", Bytes::from_static(b"small")).await.unwrap();
    let unmounted = Command::new("umount").arg("-l").arg(directory.path()).status().unwrap();
    assert!(unmounted.success());
    assert!(matches!(result, Err(StoreError::Full(_))), "{result:?}");
    assert_eq!(left.unwrap(), [], "nothing half-written is visible");
}
