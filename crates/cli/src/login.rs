//! Signing in and out.

use crate::args::LoginArgs;
use crate::error::Error;
use crate::http::Http;
use crate::profile::{self, Profile};
use crate::session::{first_subscription, server};
use crate::{clock, output};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use std::io::IsTerminal as _;
use std::path::PathBuf;

/// The client id that az and we sign users in with.
const PUBLIC_CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Who signs in.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A person.
    User(String, SecretString),
    /// A service principal: client id and secret.
    Service(String, SecretString),
}

/// A token and its end.
pub struct Issued {
    /// The token.
    pub token: SecretString,
    /// Seconds since 1970.
    pub expires: u64,
}

impl Credentials {
    /// What `dev.env` exports; the user before the service principal.
    pub fn from_environment() -> Option<Self> {
        let user = || Some(Self::User(set("HARDLINE_USER")?, set("HARDLINE_PASSWORD")?.into()));
        let service =
            || Some(Self::Service(set("HARDLINE_CLIENT_ID")?, set("HARDLINE_CLIENT_SECRET")?.into()));
        user().or_else(service)
    }

    fn name(&self) -> &str {
        match self {
            Self::User(name, _) | Self::Service(name, _) => name,
        }
    }
}

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

/// A new token.
pub async fn token(http: &Http, credentials: &Credentials) -> Result<Issued, Error> {
    let scope = format!("{}/.default", http.url());
    let fields = match credentials {
        Credentials::User(name, password) => vec![
            ("grant_type", "password"),
            ("client_id", PUBLIC_CLIENT),
            ("username", name.as_str()),
            ("password", password.expose_secret()),
            ("scope", scope.as_str()),
        ],
        Credentials::Service(id, secret) => vec![
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", secret.expose_secret()),
            ("scope", scope.as_str()),
        ],
    };
    let answer = http.form("/adfs/oauth2/token", &fields).await?;
    let token = answer.get("access_token").and_then(Value::as_str);
    let token = token.ok_or_else(|| Error::Answer("no access_token".into()))?;
    // Some servers send the lifetime as a string.
    let lives = answer.get("expires_in").and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok()));
    Ok(Issued { token: token.to_owned().into(), expires: clock::now() + lives.unwrap_or(3600) })
}

/// `hardline login`.
pub async fn login(args: &LoginArgs) -> Result<(), Error> {
    let path =
        profile::path().ok_or_else(|| Error::Usage("neither XDG_CONFIG_HOME nor HOME is set".into()))?;
    let saved = profile::load(&path);
    let http = server(&args.server, saved.as_ref())?;
    let credentials = credentials(args)?;
    let issued = token(&http, &credentials).await?;
    let subscription = first_subscription(&http, &issued.token).await?;
    let remembered = saved.filter(|p| p.url == http.url()).and_then(|p| p.ca_file);
    let ca_file =
        args.server.ca_file.clone().or_else(|| set("SSL_CERT_FILE").map(PathBuf::from)).or(remembered);
    let profile = Profile {
        url: http.url().to_owned(),
        ca_file: ca_file.map(|f| std::path::absolute(&f).unwrap_or(f)),
        tenant: args.tenant.clone(),
        subscription,
        name: credentials.name().to_owned(),
        token: issued.token.expose_secret().to_owned(),
        expires: issued.expires,
    };
    profile::save(&path, &profile)?;
    if profile.subscription.is_none() {
        eprintln!("Signed in, but {} sees no subscription.", profile.name);
    }
    let kind = if args.service_principal { "servicePrincipal" } else { "user" };
    let account = json!({
        "url": profile.url,
        "subscriptionId": profile.subscription,
        "tenantId": profile.tenant,
        "user": {"name": profile.name, "type": kind},
    });
    output::print(&args.output, &account, |account| {
        let at = |pointer: &str| account.pointer(pointer).cloned().unwrap_or_default();
        json!({"url": at("/url"), "user": at("/user/name"), "subscriptionId": at("/subscriptionId")})
    })
}

/// `hardline logout`.
pub fn logout() -> Result<(), Error> {
    profile::path().map_or(Ok(()), |path| profile::remove(&path))
}

fn credentials(args: &LoginArgs) -> Result<Credentials, Error> {
    let (name, secret) = match args.service_principal {
        true => ("HARDLINE_CLIENT_ID", "HARDLINE_CLIENT_SECRET"),
        false => ("HARDLINE_USER", "HARDLINE_PASSWORD"),
    };
    let username = args
        .username
        .clone()
        .or_else(|| set(name))
        .ok_or_else(|| Error::Usage(format!("who signs in? Give a name with -u, or set {name}")))?;
    // The environment's password is the environment's user's.
    let theirs = || set(secret).filter(|_| args.username.is_none() || args.username == set(name));
    let password = match args.password.clone().or_else(theirs) {
        Some(password) => password.into(),
        None => ask_password(&username)?,
    };
    Ok(if args.service_principal {
        Credentials::Service(username, password)
    } else {
        Credentials::User(username, password)
    })
}

/// One line from standard input; a terminal does not show it.
pub(crate) fn ask_password(username: &str) -> Result<SecretString, Error> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let stdin = std::io::stdin();
    let shown = stdin.is_terminal().then(|| tcgetattr(&stdin).ok()).flatten();
    if let Some(shown) = &shown {
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        eprint!("Password of {username}: ");
        let _ = tcsetattr(&stdin, OptionalActions::Flush, &hidden);
    }
    let mut line = String::new();
    let read = stdin.read_line(&mut line);
    if let Some(shown) = &shown {
        let _ = tcsetattr(&stdin, OptionalActions::Flush, shown);
        eprintln!();
    }
    match read {
        Ok(0) => Err(Error::Usage("no password: give one with -p or on standard input".into())),
        Ok(_) => Ok(line.trim_end_matches(['\r', '\n']).to_owned().into()),
        Err(error) => Err(Error::Usage(format!("the password cannot be read: {error}"))),
    }
}
