//! Tokens for Graph: one `azure_identity` credential for the whole process.

use std::sync::{Arc, PoisonError, RwLock};

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, SecretBytes, TokenCredential};
use azure_core::http::{AsyncRawResponse, ClientOptions, HttpClient, Request, Transport, new_http_client};
use azure_identity::{
    AzureCliCredential, ClientCertificateCredential, ClientCertificateCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::settings::{Credential, Entra};

/// The credential cannot be built from the settings.
#[derive(Debug, thiserror::Error)]
#[error("the Entra credential cannot be used: {0}")]
pub struct BadCredential(String);

/// Gives out bearer tokens for Graph; the credential behind it caches them and asks once for many.
#[derive(Debug)]
pub struct Token {
    entra: Entra,
    scope: String,
    credential: RwLock<Arc<dyn TokenCredential>>,
}

impl Token {
    /// Builds the credential. The scope follows Graph's address, so that other clouds work.
    pub fn new(entra: &Entra, graph_url: &Url) -> Result<Self, BadCredential> {
        let credential = build(entra)?;
        let scope = format!("{}/.default", graph_url.as_str().trim_end_matches('/'));
        Ok(Self { entra: entra.clone(), scope, credential: RwLock::new(credential) })
    }

    /// A bearer token.
    pub(super) async fn get(&self) -> azure_core::Result<SecretString> {
        let credential = Arc::clone(&self.credential.read().unwrap_or_else(PoisonError::into_inner));
        let token = credential.get_token(&[self.scope.as_str()], None).await?;
        Ok(SecretString::from(token.token.secret().to_owned()))
    }

    /// Forgets the cached token (Graph refused it): the credential has no such call, so it is built anew.
    pub(super) fn forget(&self) {
        if let Ok(fresh) = build(&self.entra) {
            *self.credential.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}

fn build(entra: &Entra) -> Result<Arc<dyn TokenCredential>, BadCredential> {
    let bad = |error: azure_core::Error| BadCredential(error.to_string());
    let tenant = entra.tenant_id.to_string();
    let client_id = entra.client_id.clone();
    Ok(match &entra.credential {
        Credential::ClientSecret(secret) => {
            let secret = Secret::new(secret.expose_secret().to_owned());
            let options = ClientSecretCredentialOptions { client_options: client_options(&entra.authority_url) };
            ClientSecretCredential::new(&tenant, client_id, secret, Some(options)).map_err(bad)?
        }
        Credential::Certificate(bundle, password) => {
            let bytes = azure_core::base64::decode(bundle.expose_secret()).map_err(bad)?;
            let options = ClientCertificateCredentialOptions {
                client_options: client_options(&entra.authority_url),
                password: password.as_ref().map(|password| Secret::new(password.expose_secret().to_owned())),
            };
            ClientCertificateCredential::new(tenant, client_id, SecretBytes::new(bytes), Some(options)).map_err(bad)?
        }
        Credential::ManagedIdentity => {
            let options = ManagedIdentityCredentialOptions {
                user_assigned_id: Some(UserAssignedId::ClientId(client_id)),
                ..Default::default()
            };
            ManagedIdentityCredential::new(Some(options)).map_err(bad)?
        }
        Credential::WorkloadIdentity => {
            let options = WorkloadIdentityCredentialOptions {
                tenant_id: Some(tenant),
                client_id: Some(client_id),
                ..Default::default()
            };
            WorkloadIdentityCredential::new(Some(options)).map_err(bad)?
        }
        Credential::AzureCli => AzureCliCredential::new(None).map_err(bad)?,
    })
}

/// Points the credential at the configured authority.
///
/// `azure_identity` accepts https only. For a plain authority, which settings allow on loopback alone, it is given
/// the same address with https and a transport that puts the scheme back.
fn client_options(authority: &Url) -> ClientOptions {
    let mut options = ClientOptions::default();
    let mut custom = CustomConfiguration::default();
    let mut host = authority.clone();
    if authority.scheme() == "http" {
        // A loopback port is explicit, so it survives the change of scheme.
        let _always_possible = host.set_scheme("https");
        options.transport = Some(Transport::new(Arc::new(PlainTransport { inner: new_http_client(None) })));
    }
    host.as_str().trim_end_matches('/').clone_into(&mut custom.authority_host);
    options.cloud = Some(Arc::new(CloudConfiguration::from(custom)));
    options
}

/// Sends what was meant for https to the same loopback address over http.
#[derive(Debug)]
struct PlainTransport {
    inner: Arc<dyn HttpClient>,
}

#[async_trait::async_trait]
impl HttpClient for PlainTransport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut plain = request.clone();
        let _always_possible = plain.url_mut().set_scheme("http");
        self.inner.execute_request(&plain).await
    }
}
