//! The pages, in headless Chromium.

use crate::activation::{HCALCS, served_with_an_activation};
use crate::support::{DESK_TOKEN, IMPORT_TOKEN, OTHER_TOKEN, PATIENCE, PPMID, Served, folder, release, update};
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A driver of browsers, on a free port.
struct Driver {
    child: Child,
    url: String,
}

impl Driver {
    /// `None` where it is not installed, unless tools are required.
    fn start() -> Option<Self> {
        let spawned = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) if std::env::var_os("HANRIG_REQUIRE_TOOLS").is_some() => panic!("chromedriver: {error}"),
            Err(error) => {
                println!("not run: the pages in a browser, chromedriver: {error}");
                return None;
            }
        };
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            line.strip_prefix("ChromeDriver was started successfully on port ")?
                .trim_end_matches('.')
                .parse::<u16>()
                .ok()
        });
        // It goes on telling, and must not be kept waiting.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, url: format!("http://127.0.0.1:{}", port.unwrap()) })
    }

    /// A browser that nobody has used.
    async fn browser(&self, profile: &std::path::Path, dark: bool) -> Client {
        let mut args = vec![
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--window-size=1100,850".to_owned(),
            format!("--user-data-dir={}", profile.display()),
        ];
        if dark {
            args.push("--force-dark-mode".to_owned());
            args.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let capabilities = json!({ "goog:chromeOptions": { "args": args } });
        let serde_json::Value::Object(capabilities) = capabilities else { unreachable!() };
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(capabilities.into_iter().collect());
        tokio::time::timeout(PATIENCE, builder.connect(&self.url)).await.unwrap().unwrap()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Signs in on a page that asks for it.
async fn sign_in(browser: &Client, base: &str, token: &str) {
    browser.goto(base).await.unwrap();
    browser.find(Locator::Css("#token")).await.unwrap().send_keys(token).await.unwrap();
    browser.find(Locator::Css("main button")).await.unwrap().click().await.unwrap();
    browser.wait().for_element(Locator::Css("nav")).await.unwrap();
}

async fn look_for(browser: &Client, id: &str) {
    let field = browser.find(Locator::Css("#id")).await.unwrap();
    field.clear().await.unwrap();
    field.send_keys(id).await.unwrap();
    browser.find(Locator::Css("form.search button")).await.unwrap().click().await.unwrap();
    // Until the page that was clicked on is gone.
    let wanted = format!("/device?id={id}");
    let began = Instant::now();
    while !browser.current_url().await.unwrap().as_str().ends_with(&wanted) {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What an element says, once there is one on a page that stays.
async fn text(browser: &Client, selector: &str) -> String {
    let began = Instant::now();
    loop {
        let element = browser.wait().for_element(Locator::Css(selector)).await.unwrap();
        match element.text().await {
            Ok(text) => return text,
            Err(error) => assert!(began.elapsed() < PATIENCE, "{error}"),
        }
    }
}

/// Keeps what is to be seen where `HANRIG_SCREENSHOTS` says, for people.
async fn keep(browser: &Client, name: &str) {
    if let Some(folder) = std::env::var_os("HANRIG_SCREENSHOTS") {
        let picture = browser.screenshot().await.unwrap();
        std::fs::write(std::path::Path::new(&folder).join(name), picture).unwrap();
    }
}

#[tokio::test]
async fn the_report_shows_an_activation() {
    let Some(driver) = Driver::start() else { return };
    let (_folder, served) = served_with_an_activation();
    let base = format!("http://{}/", served.address);
    let profile = tempfile::tempdir().unwrap();
    let supplier = driver.browser(profile.path(), false).await;
    sign_in(&supplier, &base, IMPORT_TOKEN).await;
    supplier.goto(&format!("{base}rsat-004")).await.unwrap();
    assert_eq!(text(&supplier, "tbody td:nth-child(1)").await, HCALCS.to_string());
    assert_eq!(text(&supplier, "tbody td:nth-child(2)").await, "HCALCS");
    assert_eq!(text(&supplier, "tbody .badge").await, "success");
    assert_eq!(text(&supplier, "tbody td:nth-child(6)").await, "00000020");
    keep(&supplier, "rsat-004.png").await;
    supplier.close().await.unwrap();
}

#[tokio::test]
async fn pages_show_what_is_theirs_and_the_desk_resets() {
    let Some(driver) = Driver::start() else { return };
    let (release, data) = release(2_000);
    let folder = folder(None, &data.to_toml().unwrap());
    let served = Served::start(folder.path(), &["--clock", "virtual", "--data", "data.toml", "--hubs", "none"]);
    assert_eq!(served.post(&update(&release, 1000, &[PPMID])), "I0");
    let base = format!("http://{}/", served.address);
    let profiles = tempfile::tempdir().unwrap();
    let profile = |name: &str| profiles.path().join(name);

    let supplier = driver.browser(&profile("supplier"), false).await;
    supplier.goto(&base).await.unwrap();
    keep(&supplier, "sign-in.png").await;
    sign_in(&supplier, &base, IMPORT_TOKEN).await;
    assert_eq!(text(&supplier, "tbody a").await, PPMID.to_string());
    keep(&supplier, "devices.png").await;
    look_for(&supplier, &PPMID.to_string()).await;
    assert_eq!(text(&supplier, "#status").await, "APPROVED_FOR_DISTRIBUTION");
    assert!(supplier.find(Locator::Css("#reset")).await.is_err());
    keep(&supplier, "device.png").await;
    supplier.goto(&format!("{base}rsat-004")).await.unwrap();
    let link = supplier.find(Locator::LinkText("Download as CSV")).await.unwrap();
    assert_eq!(link.prop("href").await.unwrap().unwrap(), format!("{base}rsat-004.csv"));
    // As the browser fetches it, with its cookie.
    let cookie = supplier.get_named_cookie("hanrig-session").await.unwrap();
    let cookie = format!("hanrig-session={}", cookie.value());
    let csv = crate::support::http(served.address, "GET", "/rsat-004.csv", &[("Cookie", &cookie)], b"").unwrap();
    assert!(csv.body.starts_with("Service Request ID,Device ID,Device Type,"), "{csv:?}");
    assert!(csv.headers["content-disposition"].contains("RSAT_004.csv"));
    supplier.close().await.unwrap();

    let other = driver.browser(&profile("other"), false).await;
    sign_in(&other, &base, OTHER_TOKEN).await;
    assert_eq!(text(&other, ".who").await, "<b>Other</b>");
    look_for(&other, &PPMID.to_string()).await;
    let foreign = text(&other, ".problem").await;
    look_for(&other, "0A-48-52-47-01-00-00-FF").await;
    let missing = text(&other, ".problem").await;
    assert_eq!(foreign.replace(&PPMID.to_string(), "ID"), missing.replace("0A-48-52-47-01-00-00-FF", "ID"));
    keep(&other, "not-there.png").await;
    other.close().await.unwrap();

    let desk = driver.browser(&profile("desk"), true).await;
    sign_in(&desk, &base, DESK_TOKEN).await;
    look_for(&desk, &PPMID.to_string()).await;
    keep(&desk, "desk-before.png").await;
    desk.wait().for_element(Locator::Css("#reset")).await.unwrap().click().await.unwrap();
    assert_eq!(text(&desk, ".done").await, "The Device was released. A new request for it is accepted.");
    assert_eq!(text(&desk, "#status").await, "RESET_BY_DCC");
    keep(&desk, "desk-after.png").await;
    desk.close().await.unwrap();
    assert_eq!(served.post(&update(&release, 1001, &[PPMID])), "I0");
}
