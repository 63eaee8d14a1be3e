//! Which server, which subscription, which token: what the command line says, what `hardline login` remembered, what the
//! environment (`dev.env`) offers - in this order.

use crate::args::{ScopeArgs, ServerArgs, VmArgs};
use crate::clock;
use crate::error::Error;
use crate::http::Http;
use crate::login::{self, Credentials};
use crate::profile::{self, Profile};
use hardline_arm::resource_id::ResourceId;
use secrecy::SecretString;

/// A token this close to its end is not used any more, seconds.
const LEEWAY: u64 = 60;

/// A way to the server, signed in.
pub struct Session {
    /// The server.
    pub http: Http,
    /// The token.
    pub token: SecretString,
    subscription: Option<String>,
    group: Option<String>,
}

impl Session {
    /// Signs in. The remembered token serves as long as it is for this server and lives; else the credentials in the
    /// environment do.
    pub async fn open(scope: &ScopeArgs) -> Result<Self, Error> {
        let saved = profile::path().and_then(|p| profile::load(&p));
        let http = server(&scope.server, saved.as_ref())?;
        let given = scope.subscription.clone();
        let environment = Credentials::from_environment();
        if let Some(profile) = saved.filter(|p| p.url == http.url() && p.expires > clock::now() + LEEWAY) {
            let session = Self {
                token: SecretString::from(profile.token.clone()),
                subscription: given.clone().or(profile.subscription),
                group: scope.resource_group.clone(),
                http,
            };
            // A token of a server that was set up anew since is refused; so ask before the verb does its work.
            let Some(credentials) = environment else { return Ok(session) };
            match session.get("/subscriptions?api-version=2022-12-01").await {
                Err(Error::Refused { status: 401, .. }) => {
                    let token = login::token(&session.http, &credentials).await?.token;
                    return Ok(Self { token, subscription: given, ..session });
                }
                _ => return Ok(session),
            }
        }
        let credentials = environment.ok_or(Error::SignedOut)?;
        let token = login::token(&http, &credentials).await?.token;
        Ok(Self { token, subscription: given, group: scope.resource_group.clone(), http })
    }

    /// A GET, with the token.
    pub async fn get(&self, path: &str) -> Result<serde_json::Value, Error> {
        self.http.get(path, &self.token).await
    }

    /// The subscription's id: the one named, else the only or first one that the caller sees.
    pub async fn subscription(&self) -> Result<String, Error> {
        if let Some(named) = &self.subscription {
            return Ok(named.clone());
        }
        first_subscription(&self.http, &self.token)
            .await?
            .ok_or_else(|| Error::Usage("you see no subscription; name one with --subscription".into()))
    }

    /// The scope in which machines are listed: the group, where one is named, else the subscription.
    pub async fn list_scope(&self) -> Result<ResourceId, Error> {
        let subscription = self.subscription().await?;
        Ok(match &self.group {
            Some(group) => ResourceId::of_group(&subscription, group),
            None => ResourceId::of_subscription(&subscription),
        })
    }

    /// The id of the machine that the command line names.
    pub async fn vm(&self, args: &VmArgs) -> Result<ResourceId, Error> {
        let name = args.name.as_deref().or(args.vm.as_deref()).unwrap_or_default();
        let bad =
            |e: hardline_arm::resource_id::PathError| Error::Usage(format!("'{name}' names no machine: {e}"));
        if name.starts_with('/') {
            let id = ResourceId::parse(name).map_err(bad)?;
            if !id.resource_type().eq_ignore_ascii_case(VM_TYPE) {
                return Err(Error::Usage(format!("'{name}' is not the id of a virtual machine")));
            }
            return Ok(id);
        }
        let group = self.group.as_deref().ok_or_else(|| {
            Error::Usage("name the resource group with -g, or the machine by its resource id".into())
        })?;
        let id = ResourceId::of_group(&self.subscription().await?, group).extension(VM_TYPE, name);
        ResourceId::parse(&id.to_string()).map_err(bad)
    }
}

/// The type of a virtual machine.
pub const VM_TYPE: &str = "Microsoft.Compute/virtualMachines";

/// The server that the command line, the environment or the last sign-in names.
pub fn server(args: &ServerArgs, saved: Option<&Profile>) -> Result<Http, Error> {
    let url = args.url.clone().or_else(|| saved.map(|p| p.url.clone())).ok_or(Error::SignedOut)?;
    let url = url.trim_end_matches('/');
    let files: Vec<_> = match (&args.ca_file, saved.filter(|p| p.url == url).and_then(|p| p.ca_file.clone()))
    {
        (Some(named), _) => vec![named.clone()],
        (None, Some(remembered)) if remembered.is_file() => vec![remembered],
        _ => Vec::new(),
    };
    Http::new(url, &files)
}

/// The first subscription that the caller sees.
pub async fn first_subscription(http: &Http, token: &SecretString) -> Result<Option<String>, Error> {
    let list = http.get("/subscriptions?api-version=2022-12-01", token).await?;
    let first = list.pointer("/value/0/subscriptionId").and_then(|s| s.as_str());
    Ok(first.map(str::to_owned))
}
