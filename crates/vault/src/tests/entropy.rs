//! Text that was encrypted says more per byte than language does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_model::Entropy;

use super::{TextRow, sorted, text_schema};

const WORDS: &str = "the customer asked for a call about an invoice that was sent twice last month and wants a refund \
    for one of them as soon as the sales team has answered where the second order came from and who placed it";

/// Rows whose only text each is what `text` says.
fn entropy(rows: u32, text: impl Fn(&mut fastrand::Rng) -> Option<String>) -> Entropy {
    let schema = text_schema(&["Description"]);
    let mut random = fastrand::Rng::with_seed(7);
    let rows: Vec<_> = (0..rows)
        .map(|id| TextRow {
            id,
            stamp: 1,
            deleted: false,
            texts: vec![text(&mut random)],
        })
        .collect();
    sorted(&schema, &rows, 1).entropy(&schema).unwrap()
}

fn language(random: &mut fastrand::Rng) -> String {
    let words: Vec<_> = WORDS.split_whitespace().collect();
    let chosen = (0..60).map(|_| words[random.usize(..words.len())]);
    chosen.collect::<Vec<_>>().join(" ")
}

fn noise(random: &mut fastrand::Rng) -> String {
    let bytes: Vec<u8> = (0..240).map(|_| random.u8(..)).collect();
    STANDARD.encode(bytes)
}

#[test]
fn noise_is_told_from_language_whatever_the_amount() {
    for rows in [30, 300, 30_000] {
        let words = entropy(rows, |random| Some(language(random)))
            .centibits()
            .unwrap();
        let noise = entropy(rows, |random| Some(noise(random)))
            .centibits()
            .unwrap();
        assert!(words < 450, "{rows} rows of words: {words}");
        assert!((590..640).contains(&noise), "{rows} rows of noise: {noise}");
    }
}

#[test]
fn names_nulls_and_little_text_say_nothing() {
    let name = |random: &mut fastrand::Rng| Some(format!("Account {}", random.u32(..)));
    assert_eq!(entropy(10_000, name), Entropy::default());
    assert_eq!(entropy(10_000, |_| None), Entropy::default());
    assert_eq!(
        entropy(8, |random| Some(language(random))),
        Entropy::default()
    );
}
