//! `hardline screenshot`.

use crate::args::ScreenshotArgs;
use crate::error::Error;
use crate::log::OWN;
use crate::session::Session;
use std::path::PathBuf;

/// Runs the verb: writes the picture, prints the file's name.
pub async fn run(args: &ScreenshotArgs) -> Result<(), Error> {
    let named = args.file.as_ref().map(|f| f.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()));
    let format = match named {
        None => "png",
        Some(Some(extension)) if extension == "png" => "png",
        Some(Some(extension)) if extension == "bmp" => "bmp",
        Some(_) => return Err(Error::Usage("the file's name has to end in .png or .bmp".into())),
    };
    let session = Session::open(&args.vm.scope).await?;
    let id = session.vm(&args.vm).await?;
    let file = args.file.clone().unwrap_or_else(|| PathBuf::from(format!("{}.{format}", id.name())));
    let path = format!("{id}/providers/Hardline.Diagnostics/screenshots/0/content?format={format}&{OWN}");
    let answer = session.http.bytes(&path, &session.token).await?;
    let picture = answer.bytes().await.map_err(|e| session.http.unreachable(&e))?;
    std::fs::write(&file, &picture).map_err(|source| Error::File { path: file.clone(), source })?;
    println!("{}", file.display());
    Ok(())
}
