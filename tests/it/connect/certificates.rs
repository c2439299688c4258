//! Servers behind https: certificates of an authority, of the server itself, and wrong ones.

use super::desk;
use crate::fake::Fake;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A front that speaks https and passes on to a fake.
struct Front {
    url: String,
    _runtime: tokio::runtime::Runtime,
}

impl Front {
    fn start(fake: &Fake, certificate: CertificateDer<'static>, key: &KeyPair) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let behind = fake.admin_url().trim_start_matches("http://").to_owned();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                tokio::spawn(async move {
                    let Ok(mut front) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut back = TcpStream::connect(behind).await.unwrap();
                    let _ = copy_bidirectional(&mut front, &mut back).await;
                });
            }
        });
        Self {
            url,
            _runtime: runtime,
        }
    }
}

fn own(names: &[&str]) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    (certificate, key)
}

/// What a plan says that fails, and what it advises.
#[track_caller]
fn failure(url: &str, args: &[&str]) -> String {
    let desk = desk();
    desk.write("own.pem", own(&["other"]).0.pem());
    let args = [&["plan", "--format", "json", "--admin-url", url], args].concat();
    let problem = desk.run(&args).expect(1).json()["problems"][0].clone();
    assert_eq!(problem["code"], "tls", "{problem:#}");
    format!(
        "{} {}",
        problem["message"].as_str().unwrap(),
        problem["help"].as_str().unwrap()
    )
}

#[test]
fn of_the_server_itself() {
    let fake = Fake::start("1.7.12");
    // A server's own certificate says who it is, whatever name it has.
    for name in ["localhost", "restate.internal"] {
        let (certificate, key) = own(&[name]);
        let front = Front::start(&fake, certificate.der().clone(), &key);
        let desk = desk();
        desk.write("own.pem", certificate.pem());
        let args = ["plan", "--admin-url", &front.url, "--ca-cert", "own.pem"];
        desk.run(&args).expect(0);
        let said = failure(&front.url, &[]);
        assert!(
            said.contains("nobody who is trusted here") && said.contains("--ca-cert FILE"),
            "{said}"
        );
        let said = failure(&front.url, &["--ca-cert", "own.pem"]);
        assert!(
            said.contains("neither the one in `--ca-cert` nor signed by it"),
            "{said}"
        );
    }
}

#[test]
fn of_an_authority() {
    let fake = Fake::start("1.7.12");
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let signed = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        Front::start(&fake, certificate.der().clone(), &key)
    };
    let desk = desk();
    desk.write("authority.pem", authority.pem());
    let plan = |front: &Front, code| {
        let args = ["plan", "--admin-url", &front.url, "--ca-cert", "authority.pem"];
        desk.run(&args).expect(code).stderr
    };
    plan(&signed("localhost"), 0);
    let said = plan(&signed("restate.internal"), 1);
    assert!(said.contains("for another name"), "{said}");
    // One that has expired.
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let certificate = params.signed_by(&key, &authority).unwrap();
    let said = plan(&Front::start(&fake, certificate.der().clone(), &key), 1);
    assert!(
        said.contains("has expired") && said.contains("--ca-cert"),
        "{said}"
    );
}

/// The port of an endpoint that speaks HTTP/2 alone is no admin API.
#[test]
fn the_port_of_an_endpoint() {
    let endpoint = crate::endpoint::Endpoint::start_http2(crate::suite::service("Mail"));
    let said = failure(endpoint.url().trim_end_matches('/'), &[]);
    assert!(said.contains("not that of an endpoint"), "{said}");
}

/// One side speaks https and the other does not.
#[test]
fn the_wrong_scheme() {
    let fake = Fake::start("1.7.12");
    let said = failure(&fake.admin_url().replace("http://", "https://"), &[]);
    assert!(
        said.contains("does not speak https") && said.contains("`http://`"),
        "{said}"
    );
    let (certificate, key) = own(&["localhost"]);
    let front = Front::start(&fake, certificate.der().clone(), &key);
    let said = failure(&front.url.replace("https://", "http://"), &[]);
    assert!(said.contains("`https://`"), "{said}");
}
