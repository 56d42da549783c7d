//! Protobuf bytes read by the field table alone: nothing here knows the generated code.

use std::collections::HashMap;

const TABLE: &str = include_str!("../../../../../fixtures/upstream/completion_fields.tsv");

/// One line of the table.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// As the document names the field: `current_file.cursor_position.line`.
    pub(super) path: &'static str,
    message: &'static str,
    /// `None` where no place on the wire is known.
    pub(super) number: Option<u32>,
    kind: &'static str,
}

impl Row {
    fn name(&self) -> &'static str {
        self.path.rsplit('.').next().expect("a name")
    }
}

pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    places: HashMap<(&'static str, u32), Row>,
}

/// One value, or a message whose fields follow.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Message,
    Number(u64),
    Double(f64),
    Float(f32),
    Text(String),
}

impl Table {
    pub(super) fn read() -> Self {
        let rows: Vec<Row> = TABLE.lines().skip(1).map(row).collect();
        let mut places = HashMap::new();
        for row in &rows {
            let Some(number) = row.number else { continue };
            let known: Option<Row> = places.insert((row.message, number), row.clone());
            if let Some(known) = known {
                assert_eq!((known.name(), known.kind), (row.name(), row.kind), "{}", row.path);
            }
        }
        Self { rows, places }
    }

    pub(super) fn is_message(&self, row: &Row) -> bool {
        self.rows.iter().any(|inner| inner.message == row.kind)
    }

    /// Everything that a request has on the wire, by path.
    pub(super) fn decode(&self, bytes: &[u8]) -> Vec<(String, Node)> {
        let mut nodes = Vec::new();
        self.message("StreamCppRequest", "", bytes, &mut nodes);
        nodes
    }

    fn message(
        &self,
        message: &'static str,
        path: &str,
        mut bytes: &[u8],
        nodes: &mut Vec<(String, Node)>,
    ) {
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let number = u32::try_from(key >> 3).expect("a field number");
            let Some(row) = self.places.get(&(message, number)) else {
                panic!("{message} has a field {number} that is not in the table");
            };
            let path = match path {
                "" => row.name().to_owned(),
                path => format!("{path}.{}", row.name()),
            };
            match (key & 7, row.kind) {
                (0, kind) => {
                    let enumeration = kind.ends_with("Severity") || kind.ends_with("ControlToken");
                    assert!(matches!(kind, "int32" | "bool") || enumeration, "{path}");
                    nodes.push((path, Node::Number(varint(&mut bytes))));
                }
                (1, "double") => nodes.push((path, double(take(&mut bytes, 8)))),
                (5, "float") => {
                    let bytes = take(&mut bytes, 4).try_into().expect("four bytes");
                    nodes.push((path, Node::Float(f32::from_le_bytes(bytes))));
                }
                (2, kind) => {
                    let length = usize::try_from(varint(&mut bytes)).expect("a length");
                    let mut inner = take(&mut bytes, length);
                    match kind {
                        "string" => {
                            let text = std::str::from_utf8(inner).expect("text").to_owned();
                            nodes.push((path, Node::Text(text)));
                        }
                        // Lists of numbers are packed.
                        "double" => {
                            nodes.extend(inner.chunks(8).map(|one| (path.clone(), double(one))));
                        }
                        "int32" => {
                            while !inner.is_empty() {
                                nodes.push((path.clone(), Node::Number(varint(&mut inner))));
                            }
                        }
                        kind => {
                            assert!(self.is_message(row), "{path} is no message");
                            nodes.push((path.clone(), Node::Message));
                            self.message(kind, &path, inner, nodes);
                        }
                    }
                }
                (wire, kind) => panic!("{path}: wire type {wire} for {kind}"),
            }
        }
    }
}

fn row(line: &'static str) -> Row {
    let cells: Vec<&str> = line.split('\t').collect();
    let [path, message, number, kind, _label] = cells[..] else { panic!("{line}") };
    let number = (number != "none").then(|| number.parse().expect("a number"));
    Row { path, message, number, kind }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
    }
    panic!("a number without an end");
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (head, rest) = bytes.split_at(length);
    *bytes = rest;
    head
}

fn double(bytes: &[u8]) -> Node {
    Node::Double(f64::from_le_bytes(bytes.try_into().expect("eight bytes")))
}
