use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn columns(width: usize) -> Columns {
    (0..width).map(|column| format!("C{column}__c")).collect()
}

type Table = Vec<Vec<Option<String>>>;

/// Reads a page that arrives cut at the given places.
fn read(columns: &Columns, page: &[u8], cuts: &[usize]) -> Result<Table, Failure> {
    let mut reader = PageReader::new(columns);
    let mut rows = Table::new();
    let mut take = |batch: Option<RowBatch>| {
        let batch = batch?;
        rows.extend(batch.rows().map(|row| {
            (0..batch.width())
                .map(|column| row.value(column).map(str::to_owned))
                .collect()
        }));
        Some(())
    };
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (page.len() + 1)).collect();
    cuts.extend([0, page.len()]);
    cuts.sort_unstable();
    for piece in cuts.windows(2) {
        let mut chunk = Bytes::copy_from_slice(&page[piece[0]..piece[1]]);
        while take(reader.read(&mut chunk)?).is_some() {}
    }
    take(reader.finish()?);
    assert_eq!(reader.rows(), rows.len() as u64);
    assert_eq!(reader.bytes(), page.len() as u64);
    Ok(rows)
}

fn write(columns: &Columns, rows: &[Vec<String>], quote_all: bool, line_end: &str) -> String {
    let mut page = String::new();
    let header = columns.names().to_vec();
    for row in std::iter::once(&header).chain(rows) {
        for (column, value) in row.iter().enumerate() {
            if column > 0 {
                page.push(',');
            }
            if quote_all || value.contains(['"', ',', '\r', '\n']) || row.len() == 1 {
                write!(page, "\"{}\"", value.replace('"', "\"\"")).unwrap();
            } else {
                page.push_str(value);
            }
        }
        page.push_str(line_end);
    }
    page
}

fn nullable(rows: &[Vec<String>]) -> Table {
    rows.iter()
        .map(|row| {
            row.iter()
                .map(|value| (!value.is_empty()).then(|| value.clone()))
                .collect()
        })
        .collect()
}

/// The body that a real org sent (recorded under API v56.0): values without quotes.
#[test]
fn a_page_without_quotes_reads_as_one_with_quotes() {
    let columns = ["Id".to_owned()].into_iter().collect();
    let page = "Id\n0018Z00002eGbDRQA0\n0018Z00002f1vW4QAI\n";
    let rows = read(&columns, page.as_bytes(), &[]).unwrap();
    assert_eq!(
        rows,
        [
            [Some("0018Z00002eGbDRQA0".to_owned())],
            [Some("0018Z00002f1vW4QAI".to_owned())]
        ]
    );
}

#[test]
fn columns_are_found_by_name_when_their_order_differs() {
    let columns: Columns = ["Id", "Name", "City"]
        .map(str::to_owned)
        .into_iter()
        .collect();
    let page = "\"CITY\",\"Id\",\"Name\"\n\"Ulm\",\"1\",\"Äcme\"\n\"\",\"2\",\"\"\n";
    let rows = read(&columns, page.as_bytes(), &[]).unwrap();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        rows,
        [
            [text("1"), text("Äcme"), text("Ulm")],
            [text("2"), None, None]
        ]
    );
}

#[test]
fn an_empty_body_and_a_lone_header_are_no_rows() {
    let columns = columns(2);
    for page in ["", "\"C0__c\",\"C1__c\"\n"] {
        assert_eq!(read(&columns, page.as_bytes(), &[]).unwrap(), Table::new());
    }
}

#[test]
fn a_header_that_names_other_columns_is_damage() {
    for page in [
        "\"C0__c\"\n",
        "\"C0__c\",\"C2__c\"\n",
        "\"C0__c\",\"C0__c\"\n",
        "\"C0__c\",\"C1__c\",\"C2__c\"\n",
        "<html>\n",
    ] {
        let failure = read(&columns(2), page.as_bytes(), &[]).unwrap_err();
        assert_eq!(failure.code, ErrorCode::DamagedAnswer, "{page}");
    }
}

#[test]
fn a_row_of_another_width_or_text_that_is_not_utf_8_is_damage() {
    for row in [
        &b"\"HUSH\"\n"[..],
        b"\"HUSH\",\"b\",\"c\"\n",
        b"\"HUSH\",\"\xff\"\n",
    ] {
        let page = [b"\"C0__c\",\"C1__c\"\n", row].concat();
        let failure = read(&columns(2), &page, &[]).unwrap_err();
        assert_eq!(failure.code, ErrorCode::DamagedAnswer);
        assert!(!failure.message.contains("HUSH"), "{failure}");
    }
}

#[test]
fn many_rows_come_in_bounded_batches() {
    let columns = columns(3);
    let row: Vec<String> = ["x", "yy", "zzz"].map(|text| text.repeat(40)).into();
    let page = write(&columns, &vec![row; 20_000], true, "\n");
    let mut reader = PageReader::new(&columns);
    let mut page = Bytes::from(page);
    let mut rows = 0;
    while let Some(batch) = reader.read(&mut page).unwrap() {
        assert!(batch.bytes() <= BATCH_BYTES + 240 && batch.len() <= BATCH_ROWS);
        rows += batch.len();
    }
    rows += reader.finish().unwrap().unwrap().len();
    assert_eq!(rows, 20_000);
}

/// Wide enough alphabet to hit every state of the parser.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~äß€😀\"\"\"\",,\r\n\0]{0,12}",
        Just(String::new()),
        Just("#N/A".to_owned()),
        Just("\"\n\"".to_owned()),
        "[a-z\"\r\n]{200,400}",
    ]
}

fn table() -> impl Strategy<Value = (usize, Vec<Vec<String>>)> {
    (1_usize..6).prop_flat_map(|width| {
        let rows = prop::collection::vec(prop::collection::vec(value(), width), 0..20);
        (Just(width), rows)
    })
}

proptest! {
    #[test]
    fn any_table_in_any_chunks_reads_back(
        (width, rows) in table(),
        quote_all: bool,
        crlf: bool,
        cuts in prop::collection::vec(any::<usize>(), 0..8),
    ) {
        let columns = columns(width);
        let page = write(&columns, &rows, quote_all, if crlf { "\r\n" } else { "\n" });
        prop_assert_eq!(read(&columns, page.as_bytes(), &cuts).unwrap(), nullable(&rows));
    }

    /// What is left must be refused, or be whole rows (the caller then misses the others by their number).
    #[test]
    fn a_page_cut_anywhere_never_changes_a_value((width, rows) in table(), cut: usize) {
        let columns = columns(width);
        let page = write(&columns, &rows, true, "\n");
        let cut = cut % (page.len() + 1);
        if let Ok(read) = read(&columns, &page.as_bytes()[..cut], &[]) {
            prop_assert_eq!(&read[..], &nullable(&rows)[..read.len()]);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        page in prop::collection::vec(
            prop_oneof![any::<u8>(), Just(b'"'), Just(b','), Just(b'\n')],
            0..400,
        ),
        with_header: bool,
        cuts in prop::collection::vec(any::<usize>(), 0..4),
    ) {
        let header: &[u8] = if with_header { b"C0__c,C1__c\n" } else { b"" };
        let _ = read(&columns(2), &[header, &page].concat(), &cuts);
    }
}
