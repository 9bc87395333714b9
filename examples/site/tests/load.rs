//! Loads pages from the site, good ones and troubled ones.

use pages::{Limits, Page, PageError, load};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

/// The site, as a program of its own; it ends when these tests do.
struct Site {
    http: String,
    https: String,
    untrusted: String,
    _process: Child,
}

fn site() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    SITE.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("site");
        fs::create_dir_all(folder.join("sub")).unwrap();
        let long = "long ".repeat(1000);
        fs::write(folder.join("a.html"), format!("<title>A &amp; B</title>{long}")).unwrap();
        fs::write(folder.join("sub/index.html"), "<title>Sub</title>").unwrap();
        let ca = folder.with_extension("pem");
        let mut process = Command::new(env!("CARGO_BIN_EXE_site"))
            .args([folder.as_os_str(), "--ca".as_ref(), ca.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        pages::trust(&fs::read(ca).unwrap()).unwrap();
        let at = |name: &str| {
            let value = line.split_whitespace().find_map(|word| word.strip_prefix(name));
            value.unwrap_or_else(|| panic!("no {name} in {line:?}")).to_owned()
        };
        Site {
            http: format!("http://{}", at("http=")),
            https: format!("https://{}", at("https=")),
            untrusted: format!("https://{}", at("untrusted=")),
            _process: process,
        }
    })
}

fn get(url: &str) -> Result<Page, PageError> {
    within(url, Limits::default())
}

fn within(url: &str, limits: Limits) -> Result<Page, PageError> {
    wharf::block_on(load(url, limits))
}

#[test]
fn a_page_is_loaded_plain_and_encrypted_moved_and_packed() {
    let site = site();
    for start in [&site.http, &site.https] {
        for path in ["/a.html", "/moved/a.html", "/moved/moved/a.html", "/sub/../a.html"] {
            let page = get(&format!("{start}{path}")).unwrap();
            assert_eq!((page.status, page.title.as_str()), (200, "A & B"));
            assert_eq!(page.bytes, 5 * 1000 + "<title>A &amp; B</title>".len());
            assert!(page.body.ends_with("long "));
        }
        for folder in ["/sub", "/sub/", "/sub/index.html"] {
            assert_eq!(get(&format!("{start}{folder}")).unwrap().title, "Sub");
        }
        let missing = get(&format!("{start}/missing")).unwrap();
        assert_eq!((missing.status, missing.title.as_str()), (404, "404 Not Found"));
        let other = get(&format!("{start}/trouble/latin-1")).unwrap();
        assert_eq!(other.title, "Caf\u{e9} & Bar");
    }
}

#[test]
fn every_kind_of_trouble_has_its_error() {
    let site = site();
    for start in [&site.http, &site.https] {
        let at = |kind: &str| get(&format!("{start}/trouble/{kind}")).unwrap_err();
        let closed = at("closes");
        assert!(matches!(closed, PageError::Closed { received_bytes: 1.., .. }), "{closed}");
        let closed = at("closes-at-once");
        assert!(matches!(closed, PageError::Closed { received_bytes: 0, .. }), "{closed}");
        assert_eq!(at("endless"), PageError::TooLarge { limit_bytes: 32 << 20 });
        assert_eq!(at("loop"), PageError::TooManyRedirects { limit: 10 });
        for packed in ["not-gzip", "brotli"] {
            let error = at(packed);
            assert!(matches!(error, PageError::BadEncoding { .. }), "{error}");
        }
    }
    let error = get(&site.untrusted).unwrap_err();
    assert!(matches!(error, PageError::BadCertificate { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
    let plain_as_tls = get(&site.http.replace("http:", "https:")).unwrap_err();
    assert!(matches!(plain_as_tls, PageError::Tls { .. }), "{plain_as_tls}");
    let tls_as_plain = get(&site.https.replace("https:", "http:")).unwrap_err();
    let not_http = matches!(
        tls_as_plain,
        PageError::Protocol { .. } | PageError::Closed { received_bytes: 0, .. }
    );
    assert!(not_http, "{tls_as_plain}");
}

#[test]
fn the_time_limit_ends_what_does_not_end_by_itself() {
    for (kind, waiting_for) in
        [("silent", "the head of the answer"), ("stalls", "the body of the answer")]
    {
        let url = format!("{}/trouble/{kind}", site().https);
        let mut limits = Limits { time: Duration::from_millis(200), ..Limits::default() };
        loop {
            let error = within(&url, limits).unwrap_err();
            if error == (PageError::TimedOut { limit: limits.time, waiting_for }) {
                break;
            }
            // On a slow machine it may not have come as far.
            let is_early = matches!(error, PageError::TimedOut { .. });
            assert!(is_early && limits.time < Duration::from_secs(60), "{error}");
            limits.time *= 2;
        }
    }
}

#[test]
fn limits_are_tried_at_n_and_one_less() {
    let url = format!("{}/moved/moved/a.html", site().http);
    let size = get(&url).unwrap().bytes;
    let limits = Limits { size_bytes: size, redirects: 2, ..Limits::default() };
    assert_eq!(within(&url, limits).unwrap().bytes, size);
    let error = within(&url, Limits { size_bytes: size - 1, ..limits }).unwrap_err();
    assert_eq!(error, PageError::TooLarge { limit_bytes: size - 1 });
    let error = within(&url, Limits { redirects: 1, ..limits }).unwrap_err();
    assert_eq!(error, PageError::TooManyRedirects { limit: 1 });
}

#[test]
fn hosts_that_are_not_there() {
    let error = get("http://no-such-host.invalid/").unwrap_err();
    assert!(
        matches!(&error, PageError::UnknownHost { host, .. } if host == "no-such-host.invalid")
    );
    let error = get("http://127.0.0.1:1/").unwrap_err();
    assert_eq!(error, PageError::Refused { authority: "127.0.0.1:1".into() });
}
