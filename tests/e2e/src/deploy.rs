//! Deploys the checkout's own template with `sam deploy`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use xtask::place;
use xtask::python::{Environment, Tools};
use zip::write::SimpleFileOptions;

use crate::{local_aws, run};

/// The bucket that `sam` uploads the zips to.
pub(crate) const UPLOADS: &str = "holdfast-uploads";

/// Lays the template, the machines and the functions out in the folder of the run, as in the checkout, so
/// that the same paths in the same template mean the programs that were built for this machine.
pub(crate) fn lay_out(folder: &Path) -> anyhow::Result<()> {
    let root = place::root();
    copy(
        &root.join("infra/template.yaml"),
        &folder.join("infra/template.yaml"),
    )?;
    for entry in
        fs::read_dir(root.join("statemachines")).context("cannot list the state machines")?
    {
        let path = entry?.path();
        if let (Some(name), true) = (
            path.file_name(),
            path.extension()
                .is_some_and(|extension| extension == "json"),
        ) {
            copy(&path, &folder.join("statemachines").join(name))?;
        }
    }
    for function in place::functions()? {
        let zip = zipped(&function)?;
        let home = folder.join("target/lambda").join(&function);
        fs::create_dir_all(&home).with_context(|| format!("cannot create `{}`", home.display()))?;
        fs::hard_link(&zip, home.join("bootstrap.zip"))
            .with_context(|| format!("cannot link `{}`", zip.display()))?;
    }
    Ok(())
}

/// Runs `sam deploy` over what was laid out.
pub(crate) fn deploy(folder: &Path, stack: &str, endpoint: &str) -> anyhow::Result<()> {
    let sam = Environment::ensure(Tools::Sam)?;
    let architecture = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    };
    let log = folder.join("deploy.log");
    let output = File::create(&log).context("cannot create the log of the deployment")?;
    let status = Command::new(sam.python())
        .args([
            "-m",
            "samcli",
            "deploy",
            "--template-file",
            "infra/template.yaml",
            "--stack-name",
            stack,
        ])
        .args([
            "--s3-bucket",
            UPLOADS,
            "--region",
            local_aws::REGION,
            "--capabilities",
            "CAPABILITY_IAM",
        ])
        .args([
            "--parameter-overrides",
            &format!("Architecture={architecture}"),
            "--no-progressbar",
            "--no-confirm-changeset",
        ])
        .current_dir(folder)
        .env_clear()
        .envs(local_aws::environment(folder, endpoint))
        .env("SAM_CLI_TELEMETRY", "0")
        .stdin(Stdio::null())
        .stdout(output.try_clone().context("cannot share the log")?)
        .stderr(output)
        .status()
        .context("cannot run `sam deploy`")?;
    if !status.success() {
        let said = fs::read_to_string(&log).unwrap_or_default();
        bail!("`sam deploy` failed; it said:\n{}", said.trim());
    }
    Ok(())
}

/// The zip of a function's program, made anew when the program is newer.
fn zipped(function: &str) -> anyhow::Result<PathBuf> {
    let program = place::programs()?.join(function);
    let built = modified(&program).with_context(|| {
        format!("`{function}` is not built; `cargo build --workspace --bins` builds it")
    })?;
    let zips = run::local()?.join("zips");
    fs::create_dir_all(&zips).context("cannot create the folder of the zips")?;
    let lock = File::create(zips.join(format!("{function}.lock")))
        .context("cannot create the lock of a zip")?;
    lock.lock().context("cannot lock a zip")?;
    let zip = zips.join(format!("{function}.zip"));
    if modified(&zip).is_none_or(|made| made < built) {
        // Renamed into place: other runs hold links to the old one.
        let fresh = zips.join(format!("{function}.fresh"));
        write_zip(&program, &fresh).with_context(|| format!("cannot zip `{function}`"))?;
        fs::rename(&fresh, &zip).context("cannot put a zip in its place")?;
    }
    Ok(zip)
}

/// Compressed as little as possible: the local AWS keeps zips in memory, but nobody waits for one gladly.
fn write_zip(program: &Path, zip: &Path) -> anyhow::Result<()> {
    let mut writer = zip::ZipWriter::new(File::create(zip)?);
    let options = SimpleFileOptions::default()
        .compression_level(Some(1))
        .unix_permissions(0o755);
    writer.start_file("bootstrap", options)?;
    io::copy(&mut File::open(program)?, &mut writer)?;
    writer.finish()?;
    Ok(())
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy `{}`", from.display()))?;
    Ok(())
}
